"""The wrist model: from five publishers' recordings to a model for wrists it has never seen."""
