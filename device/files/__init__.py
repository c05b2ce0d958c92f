"""Files: locks between processes, and JSON objects checked field by field."""
