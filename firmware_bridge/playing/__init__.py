"""Plays a recording as a microcontroller would send it, with faults on request."""
