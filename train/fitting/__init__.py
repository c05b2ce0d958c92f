"""Training of networks: augmentation, fits, and several fits at a time."""
