"""Runs every benchmark."""

from benchmarks import drift

for benchmark in (drift,):
    benchmark.main([])
