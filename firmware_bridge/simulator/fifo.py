"""The chip's FIFO: a queue of bytes, without sample boundaries."""


class Fifo:
    """A queue of bytes; when full, it loses the oldest bytes or refuses the newest.

    1024 is no multiple of a sample's 12 bytes, so after an overflow the stream begins within a
    sample.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.clear()

    def clear(self) -> None:
        """Forget all bytes, and the last byte read."""
        self._bytes = bytearray()
        self._last = 0

    def __len__(self) -> int:
        return len(self._bytes)

    def put(self, data: bytes, keep_oldest: bool) -> bool:
        """Append `data`; return whether any byte was lost."""
        self._bytes += data
        over = len(self._bytes) - self.size
        if over > 0:
            del self._bytes[slice(self.size, None) if keep_oldest else slice(over)]
        return over > 0

    def take(self, count: int) -> bytes:
        """Read; an empty FIFO repeats the last byte read (RM-MPU-6000A, register 0x74)."""
        out = bytes(self._bytes[:count])
        del self._bytes[:count]
        if out:
            self._last = out[-1]
        return out + bytes([self._last]) * (count - len(out))

    def repeat(self, count: int) -> bytes:
        """Read while disabled: the last byte read repeats, and no byte leaves the FIFO."""
        return bytes([self._last]) * count
