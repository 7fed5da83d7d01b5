"""What is committed: the database, its tables, and the exactly-once ledger."""
