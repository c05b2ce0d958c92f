"""The pipeline, samples in and decisions out, and how blocks and long recordings are fed to it."""
