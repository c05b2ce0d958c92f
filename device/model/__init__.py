"""The bundle of a model and the classifier that runs it."""
