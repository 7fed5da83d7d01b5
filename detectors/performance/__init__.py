"""Performance metrics, each a function of the counts of outcomes, with its standard error."""
