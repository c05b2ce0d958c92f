"""One chip on one /dev/i2c-N, through smbus2, and the meaning of the bus's errors."""

import errno
from contextlib import AbstractContextManager

from smbus2 import I2cFunc, SMBus, i2c_msg

from device.sources import SourceError
from device.sources.mpu.registers import ADDRESSES, FIFO_R_W, KIN, MODELS, WHO_AM_I, Model
from device.sources.mpu.sample_bytes import SAMPLE_BYTES

HOPELESS = {errno.EACCES, errno.EPERM, errno.EBUSY}
"""Errors for which waiting does not help."""
_ABSENT = {errno.ENOENT, errno.ENODEV}
_REFUSED = {errno.EOPNOTSUPP, errno.EINVAL, errno.EMSGSIZE}
"""Errors for a message that is too long for the adapter. None of it is sent."""
_LONGEST, _SMBUS_LONGEST = 85 * SAMPLE_BYTES, 2 * SAMPLE_BYTES
"""Longest read in bytes: a whole FIFO of 1024 bytes; whole samples in an SMBus block of 32."""
_FAILURES = 4
"""After this many failures of long reads in a row, shorter reads are tried."""
_READINGS = 3
"""WHO_AM_I is read this often before a chip is refused: a loose wire reads as anything."""


class Bus(AbstractContextManager["Bus"]):
    """A chip at an address. Reads and writes raise OSError."""

    def __init__(self, number: int, address: int) -> None:
        """Open the bus without addressing the chip. Raises OSError."""
        self._number, self._address = number, address
        self._smbus = SMBus()
        try:
            self._smbus.open(number)
        except OSError:
            self._smbus.close()
            raise
        # Pure SMBus controllers, as in a PC, cannot send plain I2C messages.
        self._plain = bool(self._smbus.funcs & I2cFunc.I2C)
        self._longest = _LONGEST if self._plain else _SMBUS_LONGEST
        self._failures = 0

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the bus."""
        self._smbus.close()

    def identify(self) -> tuple[int, Model]:
        """Return WHO_AM_I and the model. Raises OSError, SourceError for a chip of another kind."""
        for _ in range(_READINGS):
            # While a kernel driver has the chip, only an SMBus call is refused (EBUSY).
            who_am_i = self._smbus.read_byte_data(self._address, WHO_AM_I)
            if model := _model(who_am_i):
                return who_am_i, model
        raise SourceError(
            f"the chip at 0x{self._address:02x} on /dev/i2c-{self._number} has WHO_AM_I"
            f" 0x{who_am_i:02x}, so it is no MPU-6050, MPU-6500 or MPU-9250; {self._elsewhere()}"
        )

    def explain_silence(self, error: OSError) -> str:
        """Return why `identify` failed, and what to do."""
        name = f"0x{self._address:02x} on /dev/i2c-{self._number}"
        if error.errno == errno.EBUSY:
            chip = f"/sys/bus/i2c/devices/{self._number}-{self._address:04x}"
            return (
                f"a kernel driver uses {name}; unbind it (readlink {chip}/driver names it)"
                " or remove its dtoverlay"
            )
        return (
            f"nothing answers at {name} ({error_text(error)}); {self._elsewhere()}; check 3.3 V,"
            f" ground, SDA and SCL, and what i2cdetect -y {self._number} shows"
        )

    def _elsewhere(self) -> str:
        # At no third address: reading may disturb another kind of chip.
        other = next(address for address in ADDRESSES if address != self._address)
        try:
            who_am_i = self._smbus.read_byte_data(other, WHO_AM_I)
        except OSError:
            return f"nothing answers at 0x{other:02x} either, where pin AD0 may put the chip"
        model = _model(who_am_i)
        if model is None:
            return f"0x{other:02x} answers too, but WHO_AM_I there is 0x{who_am_i:02x}"
        return f"an {model.name} answers at 0x{other:02x}: use i2c:{self._number}:0x{other:02x}"

    def read(self, register: int, count: int) -> bytes:
        """Read `count` bytes from a register on, or from the FIFO in parts the adapter can do."""
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
                # Some adapters give any error for a long read, and may have taken the bytes.
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
        # One write and one read: the Raspberry Pi's controller can do no more in a transfer.
        answer = i2c_msg.read(self._address, count)
        self._smbus.i2c_rdwr(i2c_msg.write(self._address, [register]), answer)
        return bytes(answer)

    def write(self, register: int, value: int) -> None:
        """Write one register."""
        self._smbus.write_byte_data(self._address, register, value)


def cannot_open(error: OSError, number: int) -> str:
    """Return why a bus cannot be opened, and what to do."""
    path = f"/dev/i2c-{number}"
    if error.errno in _ABSENT:
        return (
            f"there is no {path}; enable I2C (raspi-config, or dtparam=i2c_arm=on in config.txt;"
            " modprobe i2c-dev) or plug its adapter in"
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"no permission for {path}; add this user to the group that owns it (often i2c)"
    return f"{path} cannot be opened: {error_text(error)}"


def error_text(error: OSError) -> str:
    """Return an error's name and text. Adapters give many numbers to one fault."""
    return f"{errno.errorcode.get(error.errno or 0, error.errno)}, {error.strerror}"


def _model(who_am_i: int) -> Model | None:
    return MODELS.get(who_am_i) or KIN.get(who_am_i)
