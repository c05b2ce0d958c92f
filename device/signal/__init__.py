"""The signal path: time base, mounting, filters, gravity split, windows."""
