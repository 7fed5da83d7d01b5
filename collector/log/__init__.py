"""The prediction log: what was accepted, row by row, in Parquet files."""
