"""Benchmarks, run by `make bench`: none is a test, all of them write into `docs/performance.md`."""
