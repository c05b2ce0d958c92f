"""Training of networks: augmentation, fits, and several fits side by side."""
