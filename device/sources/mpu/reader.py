"""Base of the two ways to read a chip: through its FIFO, or sample by sample."""

from collections.abc import Callable

from device.sources.mpu import registers, sample_bytes
from device.sources.mpu.chip_clock import ChipClock
from device.sources.mpu.port import ChipLostError, Port, verify
from device.sources.mpu.registers import Model

CHECK_S = 1.0
"""Time between two checks that the registers still hold what was written."""
SILENT_S = 0.5
"""A chip that takes no sample for this long is lost."""


class Reader:
    """Reads one chip that is set up, from its start to its next start."""

    overflows = 0
    """Overflows of the FIFO."""

    def __init__(
        self,
        port: Port,
        model: Model,
        clock: ChipClock,
        expected: dict[int, int],
        now: Callable[[], float],
    ) -> None:
        """Start reading a chip that is set up, with its registers' values. Raises OSError."""
        self.clock = clock
        self.temperature_c: float | None = None
        self.fifo_free: float | None = None
        self._port, self._model, self._expected, self._now = port, model, expected, now
        self._checked_s = self._heard_s = now()
        self._start()

    def _start(self) -> None:
        raise NotImplementedError

    def _check(self, *, silent: bool = False) -> None:
        """Raise ChipLostError if the registers have changed, or if the chip is `silent`."""
        verify(self._port, self._expected)
        self._checked_s = self._now()
        if silent:
            raise ChipLostError("the chip takes no samples")

    def _check_sometimes(self) -> None:
        if self._now() - self._checked_s >= CHECK_S:
            self._check()

    def _read_temperature(self, status: bytes) -> None:
        """Take the bytes of the registers from INT_STATUS on."""
        count = sample_bytes.word(status, registers.TEMP_OUT_H - registers.INT_STATUS)
        self.temperature_c = self._model.temperature_c(count)
