"""Studies of the data, each of one question, without training a network."""
