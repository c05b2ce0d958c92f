"""Exceptions. A message says what happened, where, and what to do."""


class EdgeharError(Exception):
    """A failure that the user reads as one line. The command exits with 1."""

    exit_code = 1


class InputError(EdgeharError):
    """The user's input (a file, an option, a setting) is invalid. The command exits with 2."""

    exit_code = 2
