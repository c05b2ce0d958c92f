"""Findings on a source from its samples, counts and log messages. Pure."""

from device.doctor import motion, stream
from device.doctor.finding import Finding
from device.doctor.measure import Heard

_FIFO_SAMPLES = {"MPU-6050": 1024 // 12}
_SMALLER_FIFO = 512 // 12
_PROBLEMS = {
    "stuck": "an axis never changes its value: the sensor or its wiring is damaged",
    "clipping": "acceleration reaches the full scale: choose a larger one",
    "bus errors": "shorter wires, pull-ups of 2 to 5 kOhm, a bus of 100 kHz",
    "unknown chip": "the firmware does not know this sensor",
    "no interrupt": "wire the sensor's INT to the microcontroller",
    "no data": "samples have stopped: is it still plugged in?",
}


def findings(heard: Heard) -> list[Finding]:
    """Return all findings on the samples and messages of a source."""
    if not len(heard.samples):
        advice = _warnings(heard) or "is the sensor's program running? is this the right port?"
        return [Finding("fail", "samples", "none received", advice)]
    kind = heard.name.partition(":")[0]
    page = [_identity(heard)]
    if heard.warnings:
        page.append(Finding("warn", "while listening", _warnings(heard), "see the lines below"))
    page += stream.timing(heard.samples, heard.nominal_hz)
    if kind != "recording":
        page += stream.losses(heard.counts, len(heard.samples))
    if kind == "i2c":
        room = _FIFO_SAMPLES.get(_chip(heard), _SMALLER_FIFO)
        page.append(stream.fifo(heard.counts, heard.fullest, room))
    if kind == "serial":
        page.append(stream.drift(heard.arrivals))
    page += [
        Finding("warn", "health", problem, _PROBLEMS.get(problem, "see the log of edgehar run"))
        for problem in heard.health.problems
    ]
    if heard.health.temperature_c is not None:
        page.append(Finding("ok", "temperature", f"{heard.health.temperature_c:.0f} C"))
    return [*page, *motion.at_rest(heard.samples), motion.together(heard.samples)]


def _identity(heard: Heard) -> Finding:
    text = heard.messages[-1].removeprefix(f"{heard.name}: ") if heard.messages else heard.name
    return Finding("ok", "identity", text.partition(";")[0])


def _warnings(heard: Heard) -> str:
    """Return the source's first and last warning."""
    first_and_last = dict.fromkeys(heard.warnings[:1] + heard.warnings[-1:])
    waiting, name = f"waiting for {heard.name}: ", f"{heard.name}: "
    return "; then ".join(
        text.removeprefix(waiting).removeprefix(name).removeprefix(f"{heard.name} ")
        for text in first_and_last
    )


def _chip(heard: Heard) -> str:
    return next((name for name in _FIFO_SAMPLES if name in " ".join(heard.messages)), "")
