"""Runs every benchmark."""

from benchmarks import crash, drift, ingest, kafka, memory

for benchmark in (drift, ingest, memory, kafka, crash):
    benchmark.main([])
