"""A label applies from the time of its typing, even if samples arrive late."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.labels.typed import LabelTrack, Typist, can_be_typed, cleaned
from firmware_bridge.samples import Float64

HOST_S = 5000.0
"""Time of the host's clock at 0 of the sensor's clock."""


def labelled(
    typed: list[tuple[float, str]], late_s: Float64, seconds: float = 40.0
) -> tuple[Float64, list[str]]:
    """Send frames of ten samples at 50 Hz, the i-th late by late_s[i % len]."""
    track, labels, t_s = LabelTrack(), [], np.arange(0, seconds, 0.02)
    waiting = list(typed)
    for number, frame in enumerate(t_s.reshape(-1, 10)):
        arrived = HOST_S + frame[-1] + late_s[number % len(late_s)]
        while waiting and HOST_S + waiting[0][0] <= arrived:
            at_s, label = waiting.pop(0)
            track.typed(HOST_S + at_s, label)
        labels += track.of(frame, arrived)
    return t_s, labels


@given(st.floats(5, 30), st.floats(0, 9), st.lists(st.floats(0, 0.03), min_size=1, max_size=20))
@settings(max_examples=20)
def test_it_begins_and_ends_when_typed(begin: float, length: float, late: list[float]) -> None:
    typed = [(begin, "walking"), (begin + length, "")]
    t_s, labels = labelled(typed, np.array(late))
    walked = np.array(labels) == "walking"
    assert abs(walked.sum() / 50 - length) < 0.1
    if walked.any():
        assert abs(t_s[walked][0] - begin) < 0.1


def test_a_frame_that_was_held_up_keeps_its_own_label() -> None:
    late = np.zeros(200)
    late[50:100] = np.linspace(10, 0, 50)  # 10 s stall, then all at once
    _, labels = labelled([(15.0, "walking")], late)
    first = labels.index("walking")
    assert first / 50 == pytest.approx(15.0, abs=0.1)


def test_the_last_of_several_at_once_holds() -> None:
    _, labels = labelled([(10.0, "a"), (10.0, "b")], np.zeros(1))
    assert set(labels) == {"", "b"}
    assert LabelTrack().of(np.empty(0), 1.0) == []


@pytest.mark.parametrize(
    ("line", "label"),
    [(b"  walking \r", "walking"), (b"", ""), (b"   ", ""), ("Höhe".encode(), "Höhe"),
     (b"a\tb", "a b")],
)  # fmt: skip
def test_what_is_typed_is_tidied(line: bytes, label: str) -> None:
    assert cleaned(line) == label


@given(st.binary(max_size=100))
def test_no_label_can_spoil_a_recording(line: bytes) -> None:
    try:
        label = cleaned(line)
    except ValueError:
        return
    assert label.isprintable()
    assert not set(label) & set(',\n\r"#')
    assert len(label) <= 64


def test_lines_come_whole_and_the_last_without_an_end() -> None:
    reader, writer = os.pipe()
    typist = Typist(reader)
    for part in (b"wal", b"king\nsit", b"ting\n\nstand"):
        os.write(writer, part)
    os.close(writer)
    found: list[bytes] = []
    while len(found) < 4:
        found += [line for _, line in typist.lines()]
    assert found == [b"walking", b"sitting", b"", b"stand"]
    os.close(reader)


def test_nobody_types_at_dev_null() -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    assert not can_be_typed(null)
    os.close(null)
    assert not can_be_typed(null)
    reader, writer = os.pipe()
    assert can_be_typed(reader)
    os.close(reader)
    os.close(writer)
