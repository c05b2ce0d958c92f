"""Stand-ins for what a person or a chip would send."""
