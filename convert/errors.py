"""The exception of this package."""

from firmware_bridge.errors import EdgeharError


class ConvertError(EdgeharError):
    """The model cannot be converted, or the result differs too much from Keras."""
