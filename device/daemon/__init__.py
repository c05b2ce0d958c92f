"""The daemon: assembled from settings, it runs one source through one pipeline into the sinks."""
