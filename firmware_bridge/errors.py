"""The one exception family. A message says what happened, where, and what to do."""


class EdgeharError(Exception):
    """Something failed that a user should read about in one line. The command exits with 1."""

    exit_code = 1


class InputError(EdgeharError):
    """What the user gave (a file, an option, a setting) is of no use. The command exits with 2."""

    exit_code = 2
