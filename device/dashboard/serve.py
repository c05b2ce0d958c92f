"""Runs the server: waitress, which is pure Python, has no dependencies and uses 2 MB of memory."""

import logging
from contextlib import closing
from pathlib import Path

import waitress  # type: ignore[import-untyped]  # it has no types

from device.dashboard.app import App
from device.dashboard.days import Days
from device.dashboard.guard import Guard
from device.dashboard.receiver import Receiver
from device.history.zone import local_zone
from firmware_bridge.errors import EdgeharError

log = logging.getLogger(__name__)

_LIMITS = {
    "threads": 3,
    "connection_limit": 64,
    "channel_timeout": 30,  # seconds
    "max_request_header_size": 16 * 1024,
    "max_request_body_size": 4096,
}


class ListenError(EdgeharError):
    """The address is in use or does not belong to this board."""


def serve(listen: tuple[str, int], guard: Guard, db: Path) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises ListenError, InputError."""
    host, port = listen
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    with closing(Receiver(db)) as receiver, closing(Days(db, local_zone())) as days:
        app = App(guard, receiver, days)
        try:
            server = waitress.create_server(app, listen=shown, ident=None, **_LIMITS)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise ListenError(f"cannot listen at {shown}: {why}") from error
        # A page sends several requests at a time; waitress would warn that they wait.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        missing = "" if db.exists() else ", which does not exist yet: `edgehar run` creates it"
        log.info("ready: http://%s/ shows %s%s", shown, db, missing)
        server.run()
        server.close()
