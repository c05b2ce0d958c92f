import re
import subprocess
import sys

import pytest

from device.decision.decision import Decision, Reason
from device.terminal.live_view import PlainView, in_words
from tests.device.terminal import Terminal

# As `edgehar demo`, at a pace that suits a test.
_FAST = "from device.commands import demo; demo.SPEED = 200; from device.cli import main; main()"


def test_without_a_terminal_it_prints_lines_and_a_summary() -> None:
    command = [sys.executable, "-c", _FAST, "demo"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "synthetic" in done.stdout.lower()
    assert re.search(r"no data.*\n.*warming up", done.stdout)
    scores = re.findall(r"^ *(\w+) +(\d+) +(\d+) *$", done.stdout, re.MULTILINE)
    recognised = [name for name, windows, right in scores if int(right) > 0.8 * int(windows)]
    assert len(recognised) >= 4
    lost, dropped, unplugged, counted = map(
        int,
        re.search(
            r"lost (\d+) samples .*?(\d+)\s+dropped,\s+(\d+)\s+while.*?counted\s+(\d+)\.",
            done.stdout, re.DOTALL,
        ).groups(),  # type: ignore[union-attr]  # no match fails the test as well
    )  # fmt: skip
    assert lost == dropped + unplugged == counted
    assert dropped > 0
    assert unplugged == 150
    assert "Traceback" not in done.stderr


def test_in_a_terminal_it_draws() -> None:
    with Terminal(_FAST, "demo", env={"TERM": "xterm-256color"}) as terminal:
        assert terminal.ends() == 0
    assert "\x1b[" in terminal.raw
    assert "body acceleration" in terminal.seen
    assert "█" in terminal.seen
    assert "the daemon counted" in " ".join(terminal.seen.split())
    assert "Traceback" not in terminal.seen


@pytest.mark.parametrize(
    ("reason", "words"),
    [("unsure", "not sure"), ("unfamiliar", "none of"), ("mounting", "mounting not known")],
)
def test_the_view_shows_the_reason_for_unknown(
    reason: Reason, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = Decision(
        0.0, 2.56, None, "unknown", None, reason, 0.3, {"walking": 0.3, "unknown": 0.7}, 0, "m@0"
    )
    assert words in in_words(unknown)
    PlainView(lambda _: "sitting").write(unknown)
    out = capsys.readouterr().out
    assert words in out
    assert "truth: sitting" in out
    PlainView(None).write(unknown)
    assert "truth" not in capsys.readouterr().out
