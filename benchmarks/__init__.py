"""Benchmarks: `python -m benchmarks.NAME [--json]`, each against a named peer in the same run."""
