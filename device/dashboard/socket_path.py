"""Where the daemon and the dashboard meet."""

from pathlib import Path


def socket_of(db: Path) -> Path:
    """Return the Unix socket beside the database that both know."""
    return db.absolute().with_name(f"{db.name}-live")
