"""From a window's class probabilities to a decision."""
