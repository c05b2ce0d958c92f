"""Stores decisions for months in one SQLite file (docs/HISTORY.md)."""
