"""Counting instructions without its programs."""

from pathlib import Path

import pytest

from device.bench import Skipped, instructions


def test_a_missing_program_or_file_system_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Skipped, match="no qemu-aarch64"):
        next(instructions.instructions("waist", 1))
    for name in ("qemu-aarch64", "gcc"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(instructions, "ROOT", tmp_path / "root")
    with pytest.raises(Skipped, match="make test-system"):
        next(instructions.instructions("waist", 1))
