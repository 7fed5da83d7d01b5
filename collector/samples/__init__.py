"""The stored sample of each window: which rows it holds, and how they are written."""
