"""Decisions and status, published to an MQTT broker."""
