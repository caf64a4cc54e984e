"""Side-by-side measurements; `python -m benchmarks.<name>` from the root of a clone."""
