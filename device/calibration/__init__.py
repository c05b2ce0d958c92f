"""A sensor's constant errors: measured at rest, and removed from samples."""
