"""What a wearer says was done, and the raw samples of that time (docs/LABELS.md)."""
