"""The wire between a microcontroller and the board."""
