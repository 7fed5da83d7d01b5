"""Runs every benchmark."""

from benchmarks import crash, drift

for benchmark in (drift, crash):
    benchmark.main([])
