"""Reports with the figures of README and docs: one module for each subcommand of `report`."""
