"""Two versions of a model compared over the windows that both serve in, by a test valid at every look."""
