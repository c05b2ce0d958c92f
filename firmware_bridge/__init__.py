"""The serial protocol between a microcontroller and the board, recordings, simulated sensors."""
