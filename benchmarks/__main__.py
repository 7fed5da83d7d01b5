"""Runs every benchmark."""

from benchmarks import crash, detection, drift, ingest, kafka, memory

for benchmark in (drift, detection, ingest, memory, kafka, crash):
    benchmark.main([])
