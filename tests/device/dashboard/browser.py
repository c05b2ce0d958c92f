"""Headless Chromium, controlled through a pipe by the DevTools protocol."""

import base64
import fcntl
import json
import os
import select
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.waiting import wait_for

MISSING = "needs Debian's chromium (apt install chromium)"
NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_S = 60.0


def program() -> str | None:
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One browser with one page."""

    def __init__(self, folder: Path) -> None:
        found = program()
        assert found is not None, MISSING
        arguments = [
            found, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--remote-debugging-pipe", f"--user-data-dir={folder}", "about:blank",
        ]  # fmt: skip
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # The browser expects its ends as 3 and 4, so these get higher numbers first.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (theirs_in, theirs_out)]
        silence = os.open(os.devnull, os.O_RDWR)
        self._pid = os.posix_spawn(
            found,
            arguments,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, silence, 1),
                (os.POSIX_SPAWN_DUP2, silence, 2),
                (os.POSIX_SPAWN_DUP2, ends[0], 3),
                (os.POSIX_SPAWN_DUP2, ends[1], 4),
            ],
            setpgroup=0,
        )
        for end in (theirs_in, theirs_out, *ends, silence):
            os.close(end)
        self._buffer = b""
        self._number = 0
        self.complaints: list[str] = []
        """Errors in the page's console, violations of its security policy included."""
        target = self._call("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = self._call("Target.attachToTarget", {"targetId": target, "flatten": True})
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.do(f"{domain}.enable")

    def do(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send a command to the page."""
        return self._call(method, parameters, self._session)

    def go(self, url: str) -> None:
        self.do("Page.navigate", url=url)
        self.until("document.readyState == 'complete' && location.href != 'about:blank'")

    def ask(self, script: str) -> Any:
        """Return the value of a JavaScript expression."""
        found = self.do(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, script: str, is_so: Callable[[Any], bool] = bool) -> Any:
        """Wait until the value of a JavaScript expression is so; return it."""
        wait_for(lambda: is_so(self.ask(script)), script, PATIENCE_S)
        return self.ask(script)

    def shows(self, activity: str) -> None:
        """Wait until the page shows this as the activity now."""
        self.until("what.innerText.toLowerCase()", lambda text: text == activity)

    def text(self, selector: str = "body") -> str:
        text: str = self.ask(f"document.querySelector({json.dumps(selector)}).innerText")
        return text

    def look(self, width: int, scheme: str = "light", height: int = 900) -> None:
        """Emulate a screen of this width in pixels, with a light or dark colour scheme."""
        self.do(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        media = [{"name": "prefers-color-scheme", "value": scheme}]
        self.do("Emulation.setEmulatedMedia", features=media)

    def picture(self) -> bytes:
        """Return the whole page as PNG."""
        found = self.do("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(found["data"])

    def close(self) -> None:
        os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._in)
        os.close(self._out)

    def _call(
        self, method: str, parameters: dict[str, Any], session: str | None = None
    ) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        message |= {"sessionId": session} if session else {}
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        said = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(said["exceptionDetails"]))
        elif event.get("method") == "Log.entryAdded" and said["entry"]["level"] == "error":
            self.complaints.append(f"{said['entry']['text']} {said['entry'].get('url', '')}")

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], PATIENCE_S)
            assert ready, "the browser does not answer"
            found = os.read(self._in, 1 << 16)
            assert found, "the browser is gone"
            self._buffer += found
        message, _, self._buffer = self._buffer.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer
