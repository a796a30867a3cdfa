"""Figures, as ratios within one run. Each module is a command of its own: ``python -m benchmarks.startup``."""
