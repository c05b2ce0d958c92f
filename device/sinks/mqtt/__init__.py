"""Publishes decisions and status to an MQTT broker."""
