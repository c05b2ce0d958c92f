"""Frames on a serial line: COBS (Cheshire and Baker, 1999) and CRC-16/CCITT-FALSE."""

from binascii import crc_hqx

DELIMITER = b"\0"
_RUN = 254
"""The longest run of bytes between zeros that one COBS code can describe."""


def crc16(data: bytes) -> int:
    """Return the CRC: polynomial 0x1021, start 0xFFFF, not reflected ("123456789" gives 0x29B1)."""
    return crc_hqx(data, 0xFFFF)


def seal(content: bytes) -> bytes:
    """Return `content` and its CRC as a frame, with a delimiter on both sides.

    Frames share no delimiter, so that a damaged delimiter costs one frame, not two.
    """
    return DELIMITER + cobs_encode(content + crc16(content).to_bytes(2, "little")) + DELIMITER


def unseal(frame: bytes) -> bytes | None:
    """Return the content of a frame given without its delimiters; None if it is damaged."""
    data = cobs_decode(frame)
    if data is None or len(data) < 3 or crc16(data[:-2]) != data[-2] | data[-1] << 8:
        return None
    return data[:-2]


def cobs_encode(data: bytes) -> bytes:
    """Encode `data` without zero bytes: each zero becomes the distance to the next zero."""
    out = bytearray()
    for run in data.split(DELIMITER):
        while len(run) >= _RUN:
            out.append(_RUN + 1)
            out += run[:_RUN]
            run = run[_RUN:]  # noqa: PLW2901
        out.append(len(run) + 1)
        out += run
    return bytes(out)


def cobs_decode(frame: bytes) -> bytes | None:
    """Return the encoded data; None if `frame` is cut or contains a zero byte."""
    if 0 in frame:
        return None
    out, at, end = bytearray(frame), 0, len(frame)
    while at < end:
        code = frame[at]
        if code > _RUN:
            return _cobs_decode_long(frame)
        out[at] = 0
        at += code
    return bytes(out[1:]) if at == end and end else None


def _cobs_decode_long(frame: bytes) -> bytes | None:
    """Decode runs of any length: no zero follows a run of 254 bytes."""
    out, at, end = bytearray(), 0, len(frame)
    while at < end:
        code = frame[at]
        out += frame[at + 1 : at + code]
        at += code
        if code <= _RUN and at < end:
            out.append(0)
    return bytes(out) if at == end else None
