"""Measures a sensor's constant errors at rest, and removes them from samples."""
