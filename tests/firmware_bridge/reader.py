"""A reader of the serial protocol: a decoder and an assembler in series."""

import numpy as np

from firmware_bridge.decoder import Decoder
from firmware_bridge.sample_assembler import Assembler
from firmware_bridge.samples import Float64, Samples


def table(*blocks: Samples) -> Float64:
    """Join blocks into (n, 7): time in s, acceleration in g, angular velocity in rad/s."""
    whole = Samples.joined(blocks)
    return np.column_stack((whole.t_s, whole.acc_g, whole.gyro_rad_s))


class Reader:
    """Decodes bytes into `blocks` of samples."""

    def __init__(self) -> None:
        self.decoder, self.assembler = Decoder(), Assembler()
        self.frames, self.counts = self.decoder.counts, self.assembler.counts
        self.blocks: list[Samples] = []

    def feed(self, data: bytes) -> list[Samples]:
        """Return the blocks that `data` completes."""
        blocks = self.assembler.push(self.decoder.feed(data))
        self.blocks += blocks
        return blocks

    def reopened(self) -> None:
        self.decoder.reopened()
        self.assembler.reopened()

    @property
    def table(self) -> Float64:
        return table(*self.blocks)
