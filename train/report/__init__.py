"""Reports: the figures of README and docs, one module a subcommand of `edgehar report`."""
