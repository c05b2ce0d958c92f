"""The commands for data sets, training and reports."""

import gzip
import re
from pathlib import Path

import pytest

from device.cli import main
from firmware_bridge.recording import read


def edgehar(*arguments: str) -> int:
    with pytest.raises(SystemExit) as done:
        main(arguments)
    code = done.value.code
    assert isinstance(code, int)
    return code


@pytest.mark.parametrize(
    "command",
    ["data", "data list", "data fetch", "data check", "data export", "data fit-wearer", "train",
     "evaluate", "report", "report uci", "report papers", "report windows", "report flagship",
     "report replay", "report body-acc", "report readme"],
)  # fmt: skip
def test_help_ends_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert edgehar(*command.split(), "--help") == 0
    assert re.search(r"Example:\n +edgehar \w.*\n$", capsys.readouterr().out)


@pytest.mark.parametrize(
    "command",
    ["data check", "data check hapt", "data export hapt --user 2 --out out", "train --out run",
     "train", "evaluate nothing", "report uci", "report papers", "report windows",
     "report body-acc", "report readme", "train --recipe wrist --out run"],
)  # fmt: skip
def test_without_data_a_command_prints_one_line_and_exits_with_2(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EDGEHAR_DATA", raising=False)
    assert edgehar(*command.split()) == 2
    stderr = capsys.readouterr().err
    assert stderr.startswith("edgehar: ")
    assert stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["--windows uci", "--model cnn_lstm"])
def test_the_wrist_recipe_refuses_options_of_the_waist(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert edgehar("train", "--recipe", "wrist", *option.split()) == 2
    assert f"omit {option.split(maxsplit=1)[0]}" in capsys.readouterr().err


def test_list_and_fetch_show_missing_archives_and_their_sources(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert edgehar("data", "list", "--data", str(tmp_path)) == 0
    stdout = capsys.readouterr().out
    assert stdout.count(f"not found in {tmp_path}") == 7
    assert stdout.count("https://") == 6  # one data set has no public address
    assert edgehar("data", "fetch", "hapt", "--data", str(tmp_path)) == 0
    assert str(tmp_path / "hapt.zip") in capsys.readouterr().out


def test_an_exported_recording_is_readable(data_dir: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert edgehar("data", "export", "hapt", "--user", "9", "--out", str(out),
                   "--data", str(data_dir)) == 0  # fmt: skip
    paths = sorted(out.iterdir())
    assert [path.name for path in paths] == ["hapt-exp17-user09.csv.gz", "hapt-exp18-user09.csv.gz"]
    samples, labels = read(paths[0])
    assert labels is not None
    assert len(samples) == len(labels) > 10_000
    assert {"", "walking", "lying", "sit_to_lie"} < set(labels)
    with gzip.open(paths[0], "rt") as file:
        assert file.readline().endswith(",label\n")
