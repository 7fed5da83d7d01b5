"""Runs every benchmark."""

from benchmarks import crash, detection, drift, ingest, kafka, labels, memory, slo

for benchmark in (drift, detection, ingest, memory, kafka, crash, labels, slo):
    benchmark.main([])
