"""What the pages and metrics read, as plain values. Nothing here knows HTML."""
