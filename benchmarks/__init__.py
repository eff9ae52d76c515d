"""Measurements, run by hand: `python -m benchmarks` prints the tables of docs/performance.md."""
