"""The daemon as a service of systemd: what is installed, how it is, how it takes new settings."""
