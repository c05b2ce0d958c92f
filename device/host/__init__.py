"""The machine on which the program runs: its clock, its systemd."""
