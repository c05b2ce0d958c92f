"""Base class of slotted dataclasses whose fields are arrays of equal length."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


class Columns:
    """Arrays with one row for each item."""

    __slots__: tuple[str, ...] = ()

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name."""
        return {name: getattr(self, name) for name in self.__slots__}

    def where(self, chosen: NDArray[np.bool_]) -> Self:
        """Return the chosen rows."""
        return type(self)(**{name: column[chosen] for name, column in self.columns().items()})

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Concatenate the rows of the parts."""
        return cls(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in cls.__slots__})
