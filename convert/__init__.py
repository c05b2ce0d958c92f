"""A trained Keras model becomes a quantised, verified bundle."""
