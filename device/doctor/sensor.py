"""What was heard of a source, as findings. Pure."""

from device.doctor import motion, stream
from device.doctor.finding import Finding
from device.doctor.measure import Heard

_FIFO_SAMPLES = {"MPU-6050": 1024 // 12}
_SMALLER_FIFO = 512 // 12
_PROBLEMS = {
    "stuck": "an axis gives the same value all the time: damaged, or badly wired",
    "clipping": "it reaches the end of its scale: choose a larger full scale",
    "bus errors": "shorter wires, pull-ups of 2 to 5 kOhm, a bus of 100 kHz",
    "unknown chip": "the firmware does not know this sensor",
    "no interrupt": "wire the sensor's INT to the microcontroller",
    "no data": "it fell silent: is it still plugged in?",
}


def findings(heard: Heard) -> list[Finding]:
    """Return all findings on the samples and messages of a source."""
    if not len(heard.samples):
        return [_silent(heard)]
    kind = heard.name.partition(":")[0]
    found = [_identity(heard)]
    if heard.complaints:
        found.append(Finding("warn", "while listening", _said(heard), "see the lines below"))
    found += stream.timing(heard.samples, heard.nominal_hz)
    if kind != "recording":
        found += stream.losses(heard.counts, len(heard.samples))
    if kind == "i2c":
        room = _FIFO_SAMPLES.get(_chip(heard), _SMALLER_FIFO)
        found.append(stream.fifo(heard.counts, heard.fullest, room))
    if kind == "serial":
        found.append(stream.drift(heard.arrivals))
    found += [
        Finding("warn", "health", problem, _PROBLEMS.get(problem, "see the log of edgehar run"))
        for problem in heard.health.problems
    ]
    if heard.health.temperature_c is not None:
        found.append(Finding("ok", "temperature", f"{heard.health.temperature_c:.0f} C"))
    return [*found, *motion.at_rest(heard.samples), motion.together(heard.samples)]


def _silent(heard: Heard) -> Finding:
    advice = _said(heard) or "is the sensor's program running? is this the right port?"
    return Finding("fail", "samples", "none came", advice)


def _identity(heard: Heard) -> Finding:
    said = heard.said[-1].removeprefix(f"{heard.name}: ") if heard.said else heard.name
    return Finding("ok", "identity", said.partition(";")[0])


def _said(heard: Heard) -> str:
    """Give what the source complained of: the first and the last of it."""
    first_and_last = dict.fromkeys(heard.complaints[:1] + heard.complaints[-1:])
    waiting, name = f"waiting for {heard.name}: ", f"{heard.name}: "
    return "; then ".join(
        text.removeprefix(waiting).removeprefix(name).removeprefix(f"{heard.name} ")
        for text in first_and_last
    )


def _chip(heard: Heard) -> str:
    return next((name for name in _FIFO_SAMPLES if name in " ".join(heard.said)), "")
