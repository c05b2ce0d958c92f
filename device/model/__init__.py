"""Model bundles, their classifier, and the store of installed models."""
