"""The publishers' archives, parsed and cached."""
