"""The path of the socket between daemon and dashboard."""

from pathlib import Path


def socket_of(db: Path) -> Path:
    """Return the path of the Unix socket, beside the database."""
    return db.absolute().with_name(f"{db.name}-live")
