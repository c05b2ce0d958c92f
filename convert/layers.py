"""Layers that Keras lacks."""

from typing import Any

import keras


@keras.saving.register_keras_serializable("edgehar")
class Clip(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """Clips to ±limit, in every form of a model alike; int8 has it for nothing in its input."""

    def __init__(self, limit: float, **options: Any) -> None:
        super().__init__(**options)
        self.limit = limit

    def call(self, inputs: Any) -> Any:
        """Clip, element by element."""
        return keras.ops.clip(inputs, -self.limit, self.limit)

    def get_config(self) -> dict[str, Any]:
        """Give what the constructor takes."""
        return {**super().get_config(), "limit": self.limit}
