"""A page on the board: the activity now, today and in the last 30 days, and the sensor's health."""
