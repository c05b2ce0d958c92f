"""Single questions asked of the data, apart from any network."""
