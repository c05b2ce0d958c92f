"""Emitters of TensorFlow operations, one for each convertible class of Keras layer."""

from typing import Final

from convert.emitters import convolution, merging, recurrent, stateless
from convert.graph import Emitter

EMITTERS: Final[dict[type, Emitter]] = {
    **stateless.EMITTERS,
    **convolution.EMITTERS,
    **merging.EMITTERS,
    **recurrent.EMITTERS,
}
