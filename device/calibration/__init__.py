"""What a sensor reads wrongly, found while it lies still, and put right."""
