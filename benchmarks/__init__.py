"""Measurements side by side in one run: `python -m benchmarks NAME --json` runs one, without a name all."""
