"""What runs on the board: samples in, decisions out."""
