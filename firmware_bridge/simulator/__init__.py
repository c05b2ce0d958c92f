"""Simulates a wearer, and the sensor chip on its I2C bus."""
