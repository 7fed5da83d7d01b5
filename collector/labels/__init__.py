"""The label join: predictions and labels that wait for each other."""
