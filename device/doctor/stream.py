"""Findings on a stream of samples: rate, jitter, losses, clocks. Pure."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from device.doctor.finding import Finding
from firmware_bridge.clock import ClockFit
from firmware_bridge.samples import Float64, Samples

RATE_WARN, RATE_FAIL = 0.03, 0.2
"""Share of the nominal rate. The gyro's clock is within 1 %, the RC oscillator 5 % (data sheet)."""
JITTER_WARN: Final = 0.1
"""Share of a period."""
LOST_FAIL: Final = 0.05
DRIFT_WARN: Final = 0.01
"""A ceramic resonator is within 0.5 %."""
DRIFT_FROM_S: Final = 10.0
FIFO_WARN: Final = 0.7
MODEL_RATES_HZ: Final = (20.0, 1000.0)
_HELD_UP_S = 0.005

_DAMAGE = {
    "frames_bad_crc": "damaged",
    "frames_lost": "missing",
    "frames_too_long": "too long",
    "frames_stale": "repeated or late",
}


def timing(samples: Samples, nominal_hz: float | None) -> list[Finding]:
    """Judge rate and jitter; `nominal_hz` is the rate that the device reports, if it does."""
    steps_s = np.diff(samples.t_s)
    steps_s = steps_s[steps_s > 0]
    if len(steps_s) < 10:
        text = f"{len(samples)} samples are too few"
        return [Finding("skipped", "rate", text, "listen longer: --seconds")]
    period_s = float(np.median(steps_s))
    steps_s = steps_s[steps_s < 1.5 * period_s]  # without the gaps of lost samples
    return [_rate(1 / float(steps_s.mean()), nominal_hz), _jitter(steps_s, period_s)]


def _rate(rate_hz: float, nominal_hz: float | None) -> Finding:
    low, high = MODEL_RATES_HZ
    if not low <= rate_hz <= high:
        advice = f"the models need {low:g} to {high:g} Hz: set the sensor's rate"
        return Finding("fail", "rate", f"{rate_hz:.2f} Hz", advice)
    if nominal_hz is None:
        return Finding("ok", "rate", f"{rate_hz:.2f} Hz")
    off = rate_hz / nominal_hz - 1
    text = f"{rate_hz:.2f} Hz, nominally {nominal_hz:g} ({off:+.1%})"
    if abs(off) <= RATE_WARN:
        return Finding("ok", "rate", text)
    advice = "the sensor's oscillator is off, or the driver assumes a wrong divider"
    return Finding("warn" if abs(off) <= RATE_FAIL else "fail", "rate", text, advice)


def _jitter(steps_s: Float64, period_s: float) -> Finding:
    deviation_s = float(steps_s.std())
    off_s = np.abs(steps_s - period_s)
    text = f"{1e3 * deviation_s:.2f} ms rms, 99 % within {1e3 * np.quantile(off_s, 0.99):.2f} ms"
    if deviation_s <= JITTER_WARN * period_s:
        return Finding("ok", "jitter", text)
    advice = "its program should wait for the sensor's data-ready, not for a delay()"
    return Finding("warn", "jitter", text, advice)


def losses(counts: Mapping[str, int], samples: int) -> list[Finding]:
    """Judge the counts of a source: samples lost, frames damaged."""
    # Samples before the device's hello have no known scale; the line has not lost them.
    lost = counts.get("lost", 0) - counts.get("before_hello", 0)
    text = f"{lost} of {samples + lost} samples"
    advice = "a shorter or better cable, less load on the bus; is another program reading too?"
    many = lost > LOST_FAIL * (samples + lost)
    findings = [Finding("fail" if many else "warn", "lost", text, advice)]
    if not lost:
        findings = [Finding("ok", "lost", text)]
    if "frames" in counts:
        findings.append(_frames(counts))
    if "bus_errors" in counts:
        findings.append(_bus(counts))
    if events := _named(counts, ("overflowed", "bus_faults", "chip_restarts")):
        advice = "check the wires between sensor and microcontroller, and the supply"
        findings.append(Finding("warn", "firmware", events, advice))
    if reboots := counts.get("reboots", 0):
        advice = "its supply may be too weak, or its watchdog has reset it"
        findings.append(Finding("warn", "reboots", f"it restarted {reboots} times", advice))
    return findings


def _frames(counts: Mapping[str, int]) -> Finding:
    damage = {words: counts[name] for name, words in _DAMAGE.items() if counts.get(name)}
    text = f"{counts['frames']} frames"
    if not damage:
        return Finding("ok", "line", f"{text}, all intact")
    damaged = ", ".join(f"{count} {words}" for words, count in damage.items())
    advice = "a shorter or shielded cable, a common ground, the same baud rate at both ends"
    return Finding("warn", "line", f"{text} intact, {damaged}", advice)


def _named(counts: Mapping[str, int], names: tuple[str, ...]) -> str:
    return ", ".join(
        f"{counts[name]} {name.replace('_', ' ')}" for name in names if counts.get(name)
    )


def _bus(counts: Mapping[str, int]) -> Finding:
    events = _named(counts, ("bus_errors", "restarts", "reopened"))
    if not events:
        return Finding("ok", "bus errors", "none")
    advice = "shorter wires, pull-ups of 2 to 5 kOhm, a steady 3.3 V, a bus of 100 kHz"
    return Finding("warn", "bus errors", events, advice)


def fifo(counts: Mapping[str, int], fullest: int, room: int) -> Finding:
    """Judge the chip's FIFO: it had `fullest` samples at most, and has room for `room`."""
    text = f"at most {fullest} of {room} samples waited, {counts.get('overflows', 0)} overflows"
    if not counts.get("overflows") and fullest <= FIFO_WARN * room:
        return Finding("ok", "fifo", text)
    return Finding("warn", "fifo", text, "this board is too busy to read in time; reduce its load")


def drift(arrivals: list[tuple[float, float]]) -> Finding:
    """Compare clocks; `arrivals` are (device time, host time) of each block's newest sample."""
    if not arrivals or arrivals[-1][1] - arrivals[0][1] < DRIFT_FROM_S:
        text = f"needs {DRIFT_FROM_S:g} s of samples"
        return Finding("skipped", "clock", text, "listen longer: --seconds")
    fit = ClockFit()
    for device_s, host_s in arrivals:
        fit.add(device_s, host_s)
    first, last = arrivals[0][0], arrivals[-1][0]
    begun, ended = fit.host_s(first), fit.host_s(last)
    if begun is None or ended is None or last <= first:
        return Finding("skipped", "clock", "the sensor's clock jumped; see reboots")
    off = (last - first) / (ended - begun) - 1
    sure = _HELD_UP_S / (last - first)
    text = f"runs {1e6 * off:+.0f} ppm against this board's (within {1e6 * sure:.0f})"
    if abs(off) - sure <= DRIFT_WARN:
        return Finding("ok", "clock", text)
    advice = "times in decisions stay right; check that the firmware was built for its crystal"
    return Finding("warn", "clock", text, advice)
