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
_FAMILY_GIVEN = 0x2000


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
    parts = [image[at : at + _DATA_BYTES] for at in range(0, len(image), _DATA_BYTES)]
    return b"".join(
        _BLOCK.pack(
            0x0A324655,
            0x9E5D5157,
            _FAMILY_GIVEN,
            FLASH + number * _DATA_BYTES,
            _DATA_BYTES,
            number,
            len(parts),
            FAMILY_RP2040,
            part,
            0x0AB16F30,
        )
        for number, part in enumerate(parts)
    )


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(uf2(sealed(Path(sys.argv[1]).read_bytes())))
