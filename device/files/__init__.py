"""Files: durable writes, and JSON objects checked field by field."""
