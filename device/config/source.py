"""The source setting: the text `serial:…`, `i2c:…` or `recording:…` as one value."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from device.config import checks

KINDS: Final = ("serial", "i2c", "recording")
BAUDS: Final = (1200, 4_000_000)
DEFAULT_BAUD: Final = 115_200
I2C_FORM: Final = "i2c:BUS[:0x68|0x69][?rate=50|100|200][&reads=fifo|direct]"
_I2C: Final = (
    r"(?P<bus>\d{1,7})(:(?P<address>0x6[89]))?"
    r"(\?rate=(?P<rate>50|100|200))?([?&]reads=(?P<reads>fifo|direct))?"
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where samples come from."""

    kind: str
    """`serial`, `i2c` or `recording`."""
    path: str
    """Path of the port or the recording; number of the bus."""
    baud: int = DEFAULT_BAUD
    address: int = 0x68
    rate_hz: int = 50
    direct: bool = False
    """Read each sample from the chip's registers instead of bursts from its FIFO."""


def parse(value: object) -> Source:
    """Read `serial:PORT[?baud=N]`, I2C_FORM or `recording:FILE`; raises RefusedError."""
    kind, _, rest = checks.text(value).partition(":")
    if kind == "i2c":
        return _i2c(rest)
    path, _, query = rest.partition("?") if kind == "serial" else (rest, "", "")
    if kind not in KINDS or not path:
        forms = f"be serial:PORT[?baud=N], {I2C_FORM} or recording:FILE"
        raise checks.RefusedError(forms, _meant(str(value)))
    if not query:
        return Source(kind, path)
    name, _, baud = query.partition("=")
    lowest, highest = BAUDS
    if (
        name != "baud"
        or not re.fullmatch(r"\d{4,7}", baud, re.ASCII)
        or not lowest <= int(baud) <= highest
    ):
        raise checks.RefusedError(f"be serial:PORT[?baud=N], N from {lowest} to {highest}")
    return Source(kind, path, int(baud))


def _meant(text: str) -> str:
    """Return "; did you mean …?" for a path or a misspelt kind, else ''."""
    kind, colon, rest = text.partition(":")
    if text.startswith("/dev/i2c-"):
        return f"; did you mean i2c:{text.removeprefix('/dev/i2c-')}?"
    if text.startswith("/dev/"):
        return f"; did you mean serial:{text}?"
    if text.endswith((".csv", ".csv.gz")) and not colon:
        return f"; did you mean recording:{text}?"
    close = get_close_matches(kind, KINDS, n=1)
    return f"; did you mean {close[0]}:{rest}?" if close and rest else ""


def _i2c(rest: str) -> Source:
    match = re.fullmatch(_I2C, rest, re.ASCII)
    if match is None:
        raise checks.RefusedError(f"be {I2C_FORM}")
    return Source(
        "i2c",
        str(int(match["bus"])),
        address=int(match["address"] or "0x68", 16),
        rate_hz=int(match["rate"] or 50),
        direct=match["reads"] == "direct",
    )
