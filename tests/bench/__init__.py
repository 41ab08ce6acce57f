"""Measurements, side by side in one go: `python -m tests.bench`. Read them as ratios."""
