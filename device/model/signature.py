"""Checks Ed25519 signatures (RFC 8032) of bundles, made by `openssl pkeyutl -sign -rawin`."""

import base64
import binascii
import re
from pathlib import Path
from typing import Final

from device.model.bundle import BundleError
from firmware_bridge import bounded_file
from firmware_bridge.errors import EdgeharError, InputError

BYTES: Final = 64
_MAX_KEY_BYTES: Final = 4096
_PEM: Final = re.compile(
    rb"\s*-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END PUBLIC KEY-----\s*"
)
_PREFIX: Final = bytes.fromhex("302a300506032b6570032100")
"""First bytes of an Ed25519 key's SubjectPublicKeyInfo (RFC 8410, section 4)."""


def read_key(path: Path) -> bytes:
    """Return the 32 bytes of a public key in a PEM file; raises InputError."""
    try:
        content = bounded_file.read(path, _MAX_KEY_BYTES)
    except OSError as error:
        raise InputError(f"cannot read the key {path}: {error.strerror}") from error
    match = _PEM.fullmatch(content)
    try:
        der = base64.b64decode(b"".join(match[1].split()), validate=True) if match else b""
    except binascii.Error:
        der = b""
    if len(der) != len(_PREFIX) + 32 or not der.startswith(_PREFIX):
        raise InputError(
            f"{path} is not an Ed25519 public key in PEM; "
            "make it with: openssl pkey -in private.pem -pubout"
        )
    return der[len(_PREFIX) :]


def read(bundle: Path) -> bytes:
    """Return the signature of a bundle, from FILE.sig; raises BundleError."""
    path = bundle.with_name(f"{bundle.name}.sig")
    try:
        content = bounded_file.read(path, BYTES)
    except FileNotFoundError as error:
        raise BundleError(
            f"{bundle}: not signed: {path.name} is missing beside it, and a key is configured"
        ) from error
    except OSError as error:
        raise BundleError(f"cannot read the signature {path}: {error.strerror}") from error
    if len(content) != BYTES:
        raise BundleError(f"{path} is not an Ed25519 signature, which has {BYTES} bytes")
    return content


def verify(content: bytes, signature: bytes, key: bytes) -> None:
    """Raise BundleError unless `key` signed `content`; EdgeharError without cryptography."""
    try:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 -- an extra
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415
    except ImportError as error:
        raise EdgeharError(
            "cryptography is not installed, and a key is configured: pip install 'edgehar[models]'"
        ) from error
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, content)
    except InvalidSignature as error:
        raise BundleError(
            "its signature was not made by the configured key for this file; sign it again"
        ) from error
