"""Benchmarks: each prints one JSON line. What they set up is kept under .bench for the next call."""
