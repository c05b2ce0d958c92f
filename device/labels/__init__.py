"""Labels given by the wearer, with the raw samples of their time (docs/LABELS.md)."""
