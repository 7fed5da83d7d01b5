"""Detectors that read the stored sample of rows, for what sums cannot tell. None is a default."""
