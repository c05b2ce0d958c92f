"""The checks of `edgehar doctor` and their findings."""
