"""How much raw data is kept."""

DEFAULT_MB = 50
"""Millions of bytes of the latest samples, and as many of what was labelled: a day and a half."""
MIN_MB, MAX_MB = 5, 2000
