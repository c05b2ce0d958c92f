"""The pipeline: samples to decisions, live in batches or for a long recording on all cores."""
