"""Data sets, models, fitting, evaluation and reports."""
