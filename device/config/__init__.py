"""Settings: one TOML file, checked whole before anything starts. Imports nothing else of device."""
