"""What was decided, kept for months in one SQLite file: docs/HISTORY.md."""
