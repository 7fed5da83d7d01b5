"""Logs a serving app's predictions to Modelwatch."""
