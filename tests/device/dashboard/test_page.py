"""The page in a real browser, with a real daemon at a serial line."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from device.cli import PROGRAM
from device.dashboard.feed import Feed
from device.sinks.status import Status
from firmware_bridge.recording import RecordingWriter
from firmware_bridge.simulator.wearer import Wearer
from tests.device.dashboard.browser import MISSING, Browser, program
from tests.device.dashboard.made_up import (
    STATUS,
    TOKEN,
    dashboard,
    guarded_dashboard,
    saying,
    swing,
)
from tests.ports import free_port
from tests.waiting import wait_for

pytest.importorskip("waitress", reason="needs edgehar[dashboard]")
pytestmark = pytest.mark.skipif(program() is None, reason=MISSING)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with closing(Browser(tmp_path_factory.mktemp("browser"))) as found:
        yield found


@pytest.fixture
def browser(started: Browser) -> Browser:
    """A browser with an empty page and no complaints."""
    started.go("data:text/html,nothing")
    started.complaints.clear()
    return started


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recording") / "walk.csv"
    samples, labels = Wearer(seed=3).samples([("walking", 300.0)])
    with RecordingWriter(path) as writer:
        writer.write(samples, labels)
    return path


@contextmanager
def running(*arguments: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    quiet = subprocess.DEVNULL
    command = [*PROGRAM, *map(str, arguments)]
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
def test_live_through_an_unplugged_sensor_and_a_killed_daemon(
    browser: Browser, recording: Path, tmp_path: Path
) -> None:
    db, line = tmp_path / "d.db", tmp_path / "wrist"
    run = ("run", "--model", "waist", "--source", f"serial:{line}", "--sqlite", db)
    play = ("play", recording, "--link", line)
    with dashboard("--db", db) as url, ExitStack() as stack:
        browser.go(url)
        browser.shows("no data")
        assert "No status from the daemon yet" in browser.text("#why")
        assert "edgehar run --sqlite" in browser.until(
            "day.innerText", lambda text: "No history" in text
        )

        player = stack.enter_context(running(*play))
        daemon = stack.enter_context(running(*run))
        browser.shows("warming up")
        assert browser.text("#why") == "Just started."
        browser.shows("walking")
        assert browser.text("#link") == "live"
        assert "sure" in browser.text("#sure")
        before = browser.ask("acc.toDataURL()")
        browser.until("acc.toDataURL()", lambda now: now != before)
        browser.until("day.innerText", lambda text: "walking" in text)

        player.send_signal(signal.SIGSTOP)  # the line stays open, without samples
        browser.until("document.documentElement.dataset.state == 'no_data'")
        assert browser.text("#why").startswith("No samples arrive")
        assert browser.text("#link") == "live"
        assert "no samples arrive" in browser.text("dd.look")
        assert browser.ask("sure.hidden")
        player.send_signal(signal.SIGCONT)
        browser.shows("walking")

        daemon.kill()
        browser.until("document.documentElement.dataset.state == 'no_data'")
        assert "No status from the daemon for" in browser.text("#why")
        assert browser.text("#link") == "not live"
        daemon = stack.enter_context(running(*run))
        browser.shows("walking")
        daemon.terminate()
        browser.until("why.innerText", lambda text: "The daemon was stopped" in text)
    assert browser.complaints == []


@pytest.mark.parametrize(
    ("status", "words", "why"),
    [
        (saying("unknown", None, "mounting"), "unknown", "Mounting not known yet."),
        (saying("not_worn", None, "still"), "not worn", "Too still."),
        (saying("warming_up", None, "gap"), "warming up", "After a gap."),
        (saying("no_data", None, "silence"), "no data", "No samples arrive, for 5 min."),
        (saying("ok", "<b>walking</b>"), "<b>walking</b>", ""),
    ],
)
def test_each_state_is_shown_as_what_it_is(
    browser: Browser, tmp_path: Path, status: Status, words: str, why: str
) -> None:
    db = tmp_path / "d.db"
    with dashboard("--db", db) as url, closing(Feed(db)) as feed:
        feed.status(status)
        browser.go(url)
        browser.shows(words)
        assert browser.text("#why") == why
        assert browser.ask("sure.hidden") == bool(why)
        assert browser.ask("document.querySelector('#what b')") is None
    assert browser.complaints == []


def test_a_daemon_of_another_version(browser: Browser, tmp_path: Path) -> None:
    db = tmp_path / "d.db"
    with dashboard("--db", db) as url, closing(Feed(db)) as feed:
        browser.go(url)
        feed.status(STATUS)
        feed._send({"status": {"of": "another version"}})
        browser.until("why.innerText", lambda text: "different versions" in text)
        feed.status(STATUS)
        browser.until("why.innerText", lambda text: "No decision yet" in text)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1200])
def test_it_fits_and_can_be_read_on_any_screen(
    browser: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    db = tmp_path / "d.db"
    with dashboard("--db", db) as url, closing(Feed(db)) as feed:
        browser.look(width, scheme)
        browser.go(url)
        feed.status(saying("ok", "walking_downstairs"))
        feed.see(swing(0.0, 2.0))
        browser.shows("walking downstairs")
        assert browser.ask("document.documentElement.scrollWidth") <= width
        assert browser.ask(CONTRAST) >= 4.5
    assert browser.complaints == []


# The smallest contrast of a text with its card (WCAG 2.1, 1.4.3).
CONTRAST = """
(() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map((part) => {
      const share = part / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const card = light(getComputedStyle(document.querySelector(".card")).backgroundColor);
  return Math.min(...[...document.querySelectorAll(".card *")].map((found) => {
    const ink = light(getComputedStyle(found).color);
    return (Math.max(ink, card) + 0.05) / (Math.min(ink, card) + 0.05);
  }));
})()
"""


def test_a_browser_that_has_the_token_gets_in(browser: Browser, tmp_path: Path) -> None:
    with guarded_dashboard(tmp_path) as url:
        browser.go(url)
        browser.ask(f"token.value = '{TOKEN}'")
        browser.ask("document.querySelector('form').submit()")
        browser.until("document.querySelector('#why')?.innerText ?? ''", bool)
        browser.go(url)  # it is remembered
        assert browser.ask("document.querySelector('form')") is None
        assert TOKEN not in browser.ask("location.href + document.cookie")


@pytest.mark.slow
def test_the_board_goes_away_and_comes_back(browser: Browser, tmp_path: Path) -> None:
    db, port = tmp_path / "d.db", free_port()
    with closing(Feed(db)) as feed:
        with dashboard("--db", db, "--listen", f":{port}", port=port) as url:
            browser.go(url)
            feed.status(saying("ok", "walking"))
            browser.shows("walking")
        browser.until("why.innerText", lambda text: "dashboard does not answer" in text)
        assert browser.ask("document.documentElement.dataset.state") == "no_data"
        with dashboard("--db", db, "--listen", f":{port}", port=port):

            def walks() -> bool:
                feed.status(saying("ok", "walking"))
                return bool(browser.ask("what.innerText.toLowerCase()") == "walking")

            wait_for(walks, "the page shows walking")
