"""Publishers' archives, read as they come and cached."""
