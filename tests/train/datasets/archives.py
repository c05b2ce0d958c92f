"""Makes small archives like those of the publishers."""

import io
import zipfile
from collections.abc import Mapping


def zipped(members: Mapping[str, str | bytes], top: str = "") -> bytes:
    """Return a zip file with these members; `top` is the folder of all of them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(top + name, content)
    return buffer.getvalue()


def csv(rows: list[list[object]], end: str = "\n") -> str:
    """Return rows of comma-separated values."""
    return "".join(",".join(map(str, row)) + end for row in rows)
