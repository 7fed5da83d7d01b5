"""Prediction logs in: validated, summarised, joined with labels, and committed exactly once."""
