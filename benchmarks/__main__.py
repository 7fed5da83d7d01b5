"""Runs every benchmark."""

from benchmarks import crash, detection, drift, ingest, kafka, memory, slo

for benchmark in (drift, detection, ingest, memory, kafka, crash, slo):
    benchmark.main([])
