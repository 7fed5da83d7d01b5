"""Where prediction logs come from: each source is a file."""
