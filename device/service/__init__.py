"""The daemon as a systemd service: its installation, its state, its reload."""
