"""What the README quotes, each figure from a command."""
