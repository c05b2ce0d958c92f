"""Makes an image for the RP2040's drag-and-drop loader: uf2.py IMAGE.bin IMAGE.uf2.

Puts the CRC that the ROM checks behind the second boot stage, and cuts the image into UF2 blocks
(github.com/microsoft/uf2).
"""

import struct
import sys
from pathlib import Path

BOOT2_BYTES = 252
FLASH = 0x10000000
FAMILY_RP2040 = 0xE48BFF56
_BLOCK = struct.Struct("<8I476sI")
_DATA_BYTES = 256
_BEGIN, _SECOND, _END = 0x0A324655, 0x9E5D5157, 0x0AB16F30
_HAS_FAMILY = 0x2000


def crc32(data: bytes) -> int:
    """Return the ROM's CRC: polynomial 0x04C11DB7, start all ones, not reflected, not inverted."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)
            crc &= 0xFFFFFFFF
    return crc


def sealed(image: bytes) -> bytes:
    """Return the image with the CRC of its second boot stage."""
    boot2 = image[:BOOT2_BYTES]
    return boot2 + struct.pack("<I", crc32(boot2)) + image[BOOT2_BYTES + 4 :]


def uf2(image: bytes) -> bytes:
    """Return the UF2 blocks of an image for the start of the flash."""
    blocks = []
    starts = range(0, len(image), _DATA_BYTES)
    for number, at in enumerate(starts):
        head = _BEGIN, _SECOND, _HAS_FAMILY, FLASH + at, _DATA_BYTES
        data = image[at : at + _DATA_BYTES]
        blocks.append(_BLOCK.pack(*head, number, len(starts), FAMILY_RP2040, data, _END))
    return b"".join(blocks)


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(uf2(sealed(Path(sys.argv[1]).read_bytes())))
