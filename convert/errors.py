"""What goes wrong between a trained model and a bundle."""

from firmware_bridge.errors import EdgeharError


class ConvertError(EdgeharError):
    """The model could not be converted, or its conversion is not good enough to ship."""
