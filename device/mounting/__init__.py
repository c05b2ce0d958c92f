"""Estimates the mounting of the sensor on the wearer from the wearer's own walking."""
