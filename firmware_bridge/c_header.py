"""Prints protocol.py's numbers as a C header, firmware/core/protocol.h (make protocol)."""

import sys
from enum import IntEnum, IntFlag

from firmware_bridge import protocol
from firmware_bridge.protocol import Code, Reset, Trouble, Type


def header() -> str:
    """Return the text of firmware/core/protocol.h."""
    numbers = {
        "PROTOCOL_VERSION": protocol.VERSION,
        "HEADER_BYTES": protocol.HEADER.size,
        "SAMPLE_BYTES": protocol.SAMPLE.itemsize,
        "HELLO_BYTES": protocol.HELLO.size,
        "FIRMWARE_BYTES": protocol.FIRMWARE_BYTES,
        "STATUS_BYTES": protocol.STATUS.size,
        "COMMAND_BYTES": protocol.COMMAND.size,
        "MAX_BATCH": protocol.MAX_BATCH,
        "MAX_CONTENT": protocol.MAX_CONTENT,
        "UNKNOWN_TEMPERATURE": f"({protocol.UNKNOWN_TEMPERATURE})",
        **_members("TYPE", Type),
        **_members("CODE", Code),
        **_members("RESET", Reset),
        **_members("TROUBLE", Trouble),
    }
    lines = [f"#define {name} {number}" for name, number in numbers.items()]
    top = "/* Made from protocol.py by make protocol. Do not edit. */\n#pragma once\n"
    return "\n".join([top, *lines, ""])


def _members(prefix: str, kind: type[IntEnum | IntFlag]) -> dict[str, int]:
    return {f"{prefix}_{member.name}": int(member) for member in kind}


if __name__ == "__main__":
    sys.stdout.write(header())
