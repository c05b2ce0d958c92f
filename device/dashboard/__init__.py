"""A page on the board: what now, today, the last 30 days, and how the sensor is."""
