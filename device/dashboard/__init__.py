"""A web page on the board: activity now, today and in the last 30 days, and the sensor's health."""
