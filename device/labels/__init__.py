"""Corrections by the wearer, with the raw samples of that time (docs/LABELS.md)."""
