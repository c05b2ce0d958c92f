"""The subcommands of edgehar that run on a board."""
