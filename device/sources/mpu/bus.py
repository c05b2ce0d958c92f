"""One chip on one /dev/i2c-N, through smbus2; what the errors of a bus mean."""

import errno
from typing import Self

from smbus2 import I2cFunc, SMBus, i2c_msg

from device.sources import SourceError
from device.sources.mpu.fifo import SAMPLE_BYTES
from device.sources.mpu.registers import (
    ADDRESSES,
    FIFO_R_W,
    KIN,
    MODELS,
    WHO_AM_I,
    Model,
)

HOPELESS = {errno.EACCES, errno.EPERM, errno.EBUSY}
"""Waiting does not help."""
_ABSENT = {errno.ENOENT, errno.ENODEV}
_REFUSED = {errno.EOPNOTSUPP, errno.EINVAL, errno.EMSGSIZE}
"""Said of a message that is too long for the adapter, before any of it is sent."""
_LONGEST, _SMBUS_LONGEST = 85 * SAMPLE_BYTES, 2 * SAMPLE_BYTES
"""A whole FIFO of 1024 bytes; what a block of SMBus (32 bytes) can carry."""
_FAILURES = 4
"""In a row, of long reads between short ones that work: then long ones are the reason."""
_READINGS = 3
"""Of WHO_AM_I, that must all be strange: a wire that touches badly reads as anything."""


class Bus:
    """A chip at an address. Reads and writes raise OSError."""

    def __init__(self, number: int, address: int) -> None:
        """Open the bus; whether a chip answers is not asked yet. Raises OSError."""
        self._number, self._address = number, address
        self._smbus = SMBus()
        try:
            self._smbus.open(number)
        except OSError:
            self._smbus.close()
            raise
        # Pure SMBus controllers (a PC's) cannot do plain messages.
        self._plain = bool(self._smbus.funcs & I2cFunc.I2C)
        self._longest = _LONGEST if self._plain else _SMBUS_LONGEST
        self._failures = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the bus."""
        self._smbus.close()

    def identify(self) -> tuple[int, Model]:
        """Return WHO_AM_I and the model. Raises OSError, SourceError for a chip of another kind."""
        for _ in range(_READINGS):
            # By an SMBus call: only that is refused (EBUSY) while a kernel driver has the chip.
            found = self._smbus.read_byte_data(self._address, WHO_AM_I)
            model = MODELS.get(found) or KIN.get(found)
            if model is not None:
                return found, model
        raise SourceError(
            f"what answers at 0x{self._address:02x} on /dev/i2c-{self._number} says WHO_AM_I"
            f" 0x{found:02x}, so it is no MPU-6050, MPU-6500 or MPU-9250; {self._elsewhere()}"
        )

    def silence(self, error: OSError) -> str:
        """Say what it means that the chip could not be asked, and what to do."""
        name = f"0x{self._address:02x} on /dev/i2c-{self._number}"
        if error.errno == errno.EBUSY:
            chip = f"/sys/bus/i2c/devices/{self._number}-{self._address:04x}"
            return (
                f"the kernel has given {name} to a driver of its own; unbind it"
                f" (readlink {chip}/driver tells which) or remove its dtoverlay"
            )
        return (
            f"nothing answers at {name} ({says(error)}); {self._elsewhere()}; check 3.3 V, ground,"
            f" SDA and SCL, and what i2cdetect -y {self._number} shows"
        )

    def _elsewhere(self) -> str:
        """Look at the family's other address; at no other, for asking may upset who lives there."""
        other = next(address for address in ADDRESSES if address != self._address)
        try:
            found = self._smbus.read_byte_data(other, WHO_AM_I)
        except OSError:
            return f"nothing answers at 0x{other:02x} either, where pin AD0 may put it"
        model = MODELS.get(found) or KIN.get(found)
        if model is None:
            return f"0x{other:02x} answers too, but WHO_AM_I there is 0x{found:02x}"
        return f"an {model.name} answers at 0x{other:02x}: use i2c:{self._number}:0x{other:02x}"

    def read(self, register: int, count: int) -> bytes:
        """Read `count` bytes from a register on, or of the FIFO, as the adapter can do it."""
        if register != FIFO_R_W:
            return self._read(register, count)
        data = b""
        while len(data) < count:
            part = min(count - len(data), self._longest)
            try:
                data += self._read(register, part)
            except OSError as error:
                if part == SAMPLE_BYTES:
                    raise
                refused = error.errno in _REFUSED
                # Other adapters say anything at all, and what they have read may be gone.
                self._failures += 1
                if refused or self._failures >= _FAILURES:
                    self._failures = 0
                    self._longest = max(part // 2 // SAMPLE_BYTES, 1) * SAMPLE_BYTES
                if not refused:
                    raise
            else:
                self._failures = 0
        return data

    def _read(self, register: int, count: int) -> bytes:
        if not self._plain:
            return bytes(self._smbus.read_i2c_block_data(self._address, register, count))
        # One write and one read: Raspberry Pi's controller does no more in a transfer.
        answer = i2c_msg.read(self._address, count)
        self._smbus.i2c_rdwr(i2c_msg.write(self._address, [register]), answer)
        return bytes(answer)

    def write(self, register: int, value: int) -> None:
        """Write one register."""
        self._smbus.write_byte_data(self._address, register, value)


def cannot_open(error: OSError, number: int) -> str:
    """Say what it means that a bus cannot be opened, and what to do."""
    path = f"/dev/i2c-{number}"
    if error.errno in _ABSENT:
        return (
            f"there is no {path}; enable I2C (raspi-config, or dtparam=i2c_arm=on in config.txt;"
            " modprobe i2c-dev) or plug its adapter in"
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"no permission for {path}; add this user to the group that owns it (often i2c)"
    return f"{path} cannot be opened: {says(error)}"


def says(error: OSError) -> str:
    """Name an error; adapters give many numbers to one fault."""
    return f"{errno.errorcode.get(error.errno or 0, error.errno)}, {error.strerror}"
