"""The device's end of the USB redirection protocol, for a device with only a control endpoint.

Source: usbredir-protocol.txt, version 0.7. The other end is QEMU's usb-redir.
"""

import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from firmware_bridge.errors import EdgeharError

MAX_BODY = 10 + 0xFFFF
"""Bytes of a control packet with the most data that its 16-bit length allows."""
FULL_SPEED = 1

# Packet types, usbredirproto.h.
_HELLO, _DEVICE_CONNECT, _DEVICE_DISCONNECT = 0, 1, 2
_INTERFACE_INFO, _EP_INFO = 4, 5
_SET_CONFIGURATION, _GET_CONFIGURATION, _CONFIGURATION_STATUS = 6, 7, 8
_SET_ALT_SETTING, _GET_ALT_SETTING, _ALT_SETTING_STATUS = 9, 10, 11
_CONTROL_PACKET = 100
_SUCCESS, _STALL = 0, 4

_CAPABILITIES = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6
"""Device version, packet sizes, 64-bit ids, 32-bit lengths: on xHCI QEMU requires the last three.
They set the layout of the structures below, so the peer must have them too."""
_FIRST_HEAD = struct.Struct("<III")
_HEAD = struct.Struct("<IIQ")
_CONTROL = struct.Struct("<BBBBHHH")
_VERSION_BYTES = 64
_MAX_HELLO = _VERSION_BYTES + 4 * 16


class RedirError(EdgeharError):
    """The peer does not use usbredir, or lacks a capability."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The device that a host sees: one interface, and only endpoint 0."""

    vendor: int
    product: int
    version: int
    packet_bytes: int
    """Of endpoint 0."""


@dataclass(frozen=True, slots=True)
class Control:
    """A control transfer that the host starts."""

    packet: int
    endpoint: int
    request: int
    request_type: int
    value: int
    index: int
    length: int
    """Bytes to write or to read."""
    data: bytes

    @property
    def reads(self) -> bool:
        """Whether the transfer reads: data go to the host."""
        return bool(self.request_type & 0x80)


class Redirection:
    """A device at one end of a socket, QEMU at the other. Sending is safe from any thread."""

    def __init__(self, connection: socket.socket, identity: Identity) -> None:
        """Exchange hellos. Raises RedirError, EOFError, OSError."""
        self._connection = connection
        self._identity = identity
        self._sending = threading.Lock()
        hello = b"edgehar".ljust(_VERSION_BYTES, b"\0") + struct.pack("<I", _CAPABILITIES)
        connection.sendall(_FIRST_HEAD.pack(_HELLO, len(hello), 0) + hello)
        kind, length, _ = _FIRST_HEAD.unpack(self._receive(_FIRST_HEAD.size))
        if kind != _HELLO or not _VERSION_BYTES + 4 <= length <= _MAX_HELLO:
            raise RedirError("the peer does not use usbredir: connect QEMU's usb-redir")
        theirs = int.from_bytes(
            self._receive(length)[_VERSION_BYTES : _VERSION_BYTES + 4], "little"
        )
        if _CAPABILITIES & ~theirs & ~2:
            raise RedirError(f"usbredir capabilities {theirs:#x} are too few: use a newer QEMU")

    def plug(self) -> None:
        """Connect the device to the host's bus."""
        identity, rest = self._identity, bytes(31)
        # Endpoint n of each direction: type control for 0, else none; interval, interface; size.
        kinds = (b"\0" + b"\xff" * 15) * 2
        sizes = struct.pack("<32H", *([identity.packet_bytes] + [0] * 15) * 2)
        self._send(_EP_INFO, 0, kinds + bytes(64) + sizes)
        vendor_class = b"\xff" + rest
        interfaces = struct.pack("<I", 1) + bytes(32) + vendor_class + bytes(64)
        self._send(_INTERFACE_INFO, 0, interfaces)
        numbers = identity.vendor, identity.product, identity.version
        self._send(_DEVICE_CONNECT, 0, struct.pack("<BBBBHHH", FULL_SPEED, 0xFF, 0, 0, *numbers))

    def unplug(self) -> None:
        """Disconnect the device."""
        self._send(_DEVICE_DISCONNECT, 0, b"")

    def controls(self) -> Iterator[Control]:
        """Yield the host's transfers until it ends. Raises EOFError, OSError, RedirError."""
        while True:
            kind, length, packet = _HEAD.unpack(self._receive(_HEAD.size))
            if length > MAX_BODY:
                raise RedirError(f"a usbredir packet of {length} bytes: the stream is damaged")
            body = self._receive(length)
            if kind == _CONTROL_PACKET and length >= _CONTROL.size:
                yield _control(packet, body)
            elif kind == _SET_CONFIGURATION and length == 1:
                self._send(_CONFIGURATION_STATUS, packet, bytes([_SUCCESS, body[0]]))
            elif kind == _GET_CONFIGURATION:
                self._send(_CONFIGURATION_STATUS, packet, bytes([_SUCCESS, 1]))
            elif kind == _SET_ALT_SETTING and length == 2:
                self._send(_ALT_SETTING_STATUS, packet, bytes([_SUCCESS, *body]))
            elif kind == _GET_ALT_SETTING and length == 1:
                self._send(_ALT_SETTING_STATUS, packet, bytes([_SUCCESS, body[0], 0]))

    def answer(self, control: Control, data: bytes | None) -> None:
        """Complete a transfer with the bytes read, b"" for a write, None to stall."""
        status = _STALL if data is None else _SUCCESS
        sent = (data or b"")[: control.length] if control.reads else b""
        length = len(sent) if control.reads or data is None else control.length
        request = control.endpoint, control.request, control.request_type
        head = _CONTROL.pack(*request, status, control.value, control.index, length)
        self._send(_CONTROL_PACKET, control.packet, head + sent)

    def _send(self, kind: int, packet: int, body: bytes) -> None:
        with self._sending:
            self._connection.sendall(_HEAD.pack(kind, len(body), packet) + body)

    def _receive(self, count: int) -> bytes:
        data = self._connection.recv(count, socket.MSG_WAITALL)
        if len(data) < count:
            raise EOFError
        return data


def _control(packet: int, body: bytes) -> Control:
    endpoint, request, request_type, _, value, index, length = _CONTROL.unpack_from(body)
    data = body[_CONTROL.size :]
    return Control(packet, endpoint, request, request_type, value, index, length, data)
