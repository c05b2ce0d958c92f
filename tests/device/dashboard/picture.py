"""Makes the README's picture of the dashboard from 30 made-up days and a synthetic wearer.

python -m tests.device.dashboard.picture docs/dashboard.png [light|dark] [WIDTH]
"""

import os
import random
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from firmware_bridge.recording import RecordingWriter
from firmware_bridge.simulator.wearer import WRIST_NUMBERS
from firmware_bridge.simulator.wearer import Wearer as Synthetic
from tests.device.dashboard.browser import Browser
from tests.device.dashboard.made_up import dashboard
from tests.device.dashboard.test_page import running
from tests.device.history.made_up import Host, Wearer
from tests.waiting import wait_for

EVENING = 20
"""The hour that the picture shows, independent of the time of day."""
PLAN = (
    ("sitting", 20), ("walking", 12), ("stairs", 2), ("sitting", 60), ("unsure", 2),
    ("standing", 8), ("walking", 6), ("stairs", 2), ("sitting", 80), ("standing", 15),
    ("walking", 18), ("not_worn", 35), ("sitting", 50), ("running", 15), ("standing", 20),
    ("walking", 25), ("unsure", 3), ("stairs", 3), ("sitting", 40), ("standing", 10),
)  # fmt: skip


def main() -> None:
    """Save the picture."""
    out, scheme, width = [*sys.argv[1:], *("light", "1200")[len(sys.argv) - 2 :]]
    ahead = (EVENING - datetime.now(UTC).hour + 12) % 24 - 12
    os.environ["TZ"] = f"Etc/GMT{-ahead:+d}"  # POSIX signs are inverted
    with TemporaryDirectory() as name:
        folder = Path(name)
        db, line = folder / "decisions.db", folder / "wrist"
        _live_through_days(db, ahead)
        samples, labels = Synthetic(3, WRIST_NUMBERS).samples(
            [("standing", 10.0), ("walking", 890.0)]
        )
        with RecordingWriter(folder / "walk.csv") as writer:
            writer.write(samples, labels)
        run = ("run", "--model", "wrist", "--source", f"serial:{line}", "--sqlite", db)
        with (
            running("play", folder / "walk.csv", "--link", line),
            running(*run),
            dashboard("--db", db) as url,
            closing(Browser(folder / "browser")) as browser,
        ):
            browser.look(int(width), scheme)
            browser.go(url)
            browser.shows("walking")
            # The dashboard rests nine times as long as the reading of a day takes.
            read = "unread.innerText == '' && month.querySelector('svg') != null"
            wait_for(lambda: browser.ask(read), "30 days are read", 600.0)
            browser.until("day.querySelector('svg') != null")
            browser.until("health.innerText", lambda text: "ppm" in text)  # the clocks are fitted
            Path(out).write_bytes(browser.picture())


def _live_through_days(db: Path, ahead: int) -> None:
    dice, now_s = random.Random(7), time.time()  # noqa: S311 -- a picture's
    midnight = (datetime.now(UTC) + timedelta(hours=ahead)).replace(hour=0, minute=0, second=0)
    days = [midnight.timestamp() - 3600 * ahead - 86400 * back for back in range(29, -1, -1)]
    host = Host("made-up", 100.0, days[0] + 6.7 * 3600)
    wearer = Wearer(host, db)
    for day_s in days:
        until_s = min(now_s - 60, day_s + 3600 * dice.uniform(21.5, 23))
        host.pass_time(max(0.0, day_s + 3600 * dice.uniform(6.3, 7.5) - host.utc_s))
        wearer.begin()
        plan = list(PLAN)
        dice.shuffle(plan)
        while host.utc_s < until_s - 10:
            for what, minutes in plan:
                left_s = max(0.0, until_s - host.utc_s)
                wearer.spend(what, min(60 * minutes * dice.uniform(0.5, 1.6), left_s))
    wearer.sink.close()


if __name__ == "__main__":
    main()
