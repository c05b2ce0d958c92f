"""Findings on a sensor from its samples at rest and in slow turns. Pure."""

from dataclasses import replace
from typing import Final

import numpy as np

from device.calibration.faces import face_up
from device.calibration.still import Still, StillFinder
from device.doctor.agreement import Agreement, check
from device.doctor.finding import Finding
from firmware_bridge.samples import Float64, Samples

REST_S: Final = 2.0
GRAVITY_WARN_G, GRAVITY_FAIL_G = 0.05, 0.3
"""Offsets reach 0.08 g (data sheet). Beyond 0.3 g, the scale is wrong or an axis is dead."""
ACC_NOISE_G, GYRO_NOISE_DPS = 0.01, 0.3
"""Two to six times the noise of an MPU-6050 behind its low-pass of 44 Hz (4 mg, 0.05 deg/s)."""
BIAS_WARN_DPS = 2.0
SCALE_OK, SCALE_WARN = (0.85, 1.15), (0.7, 1.4)
CLEAR, BETTER = 0.8, 0.05
"""Smallest correlation for a judgement, and smallest gain in it that shows wrong axes."""
_MOST = 6000
"""Largest number of samples: half a minute at 200 Hz, two minutes at 50 Hz."""
_LAY_DOWN = "lay the sensor down for 4 s while this runs"
_TURN = "turn the sensor in the hand slowly in all directions for 10 s while this runs"
_CALIBRATE = "edgehar calibrate measures and removes constant errors"


def at_rest(samples: Samples) -> list[Finding]:
    """Check samples at rest: length and direction of gravity, noise, bias, stuck axes."""
    finder = StillFinder(REST_S)
    rests = finder.push(samples)
    if not rests:
        return _no_rest(finder)
    acc_g = np.array([rest.acc_g for rest in rests])
    return [_gravity(acc_g), _down(rests[-1]), _noise(rests), _bias(rests), *_stuck(rests)]


def together(samples: Samples) -> Finding:
    """Judge whether gyroscope and accelerometer agree on the sensor's turns."""
    rests = StillFinder(REST_S).push(samples)
    bias = np.mean([rest.gyro_rad_s for rest in rests], axis=0) if rests else np.zeros(3)
    recent = samples[-_MOST:]
    fit = check([replace(recent, gyro_rad_s=recent.gyro_rad_s - bias)])
    name = "gyro and acc agree"
    if fit is None:
        return Finding("skipped", name, "too little slow turning", _TURN)
    if max(fit.correlation, fit.best_correlation) < CLEAR:
        text = f"unclear: correlation {fit.correlation:.2f}"
        return Finding("warn", name, text, "turn the sensor more slowly, and do not shake it")
    if fit.best_correlation > fit.correlation + BETTER:
        return Finding("fail", name, f"no: {_axes_in_words(fit.axes)}", _axes_advice(fit.axes))
    return _scale(fit)


def _no_rest(finder: StillFinder) -> list[Finding]:
    if finder.unlikely:
        advice = "check wiring and supply, and the full scale that the driver assumes"
        return [Finding("fail", "gravity", f"at rest {finder.unlikely}", advice)]
    return [Finding("skipped", "gravity", f"never at rest: {finder.disturbed}", _LAY_DOWN)]


def _gravity(acc_g: Float64) -> Finding:
    lengths = np.linalg.norm(acc_g, axis=1)
    worst = float(lengths[np.abs(lengths - 1).argmax()])
    text = f"|a| at rest {worst:.3f} g"
    if abs(worst - 1) <= GRAVITY_WARN_G:
        return Finding("ok", "gravity", text)
    if abs(worst - 1) <= GRAVITY_FAIL_G:
        return Finding("warn", "gravity", f"{text}, should be 1", _CALIBRATE)
    advice = "an axis may be dead, or the driver assumes a wrong full scale"
    return Finding("fail", "gravity", f"{text}, should be 1", advice)


def _down(rest: Still) -> Finding:
    face, tilt = face_up(rest.acc_g)
    direction = ", ".join(
        f"{axis} {value:+.2f}" for axis, value in zip("xyz", rest.acc_g, strict=True)
    )
    down = face.translate(str.maketrans("+-", "-+"))
    text = f"{down}, tilted by {tilt:.0f} degrees (reads {direction} g)"
    return Finding("ok", "which way is down", text)


def _noise(rests: list[Still]) -> Finding:
    acc_g = float(np.median([rest.acc_noise_g.max() for rest in rests]))
    gyro_dps = float(np.degrees(np.median([rest.gyro_noise_rad_s.max() for rest in rests])))
    text = f"{1000 * acc_g:.1f} mg and {gyro_dps:.2f} deg/s rms at rest"
    if acc_g <= ACC_NOISE_G and gyro_dps <= GYRO_NOISE_DPS:
        return Finding("ok", "noise", text)
    return Finding("warn", "noise", text, "use a steady table; else check the supply or the chip")


def _bias(rests: list[Still]) -> Finding:
    means = np.degrees([rest.gyro_rad_s for rest in rests])
    bias = means[int(np.abs(means).max(axis=1).argmax())]
    text = "reads " + ", ".join(f"{value:+.1f}" for value in bias) + " deg/s at rest"
    if np.abs(bias).max() <= BIAS_WARN_DPS:
        return Finding("ok", "gyro at rest", text)
    return Finding("warn", "gyro at rest", text, _CALIBRATE)


def _stuck(rests: list[Still]) -> list[Finding]:
    noise = np.array([np.append(rest.acc_noise_g, rest.gyro_noise_rad_s) for rest in rests])
    names = ("acc x", "acc y", "acc z", "gyro x", "gyro y", "gyro z")
    stuck = [name for name, still in zip(names, (noise == 0).any(axis=0), strict=True) if still]
    if not stuck:
        return []
    text = f"{', '.join(stuck)} did not change by a single count for {REST_S:g} s"
    return [Finding("fail", "stuck", text, "sensor or wiring is damaged; try another sensor")]


def _scale(fit: Agreement) -> Finding:
    about = [axis for axis, turned in zip("xyz", fit.turned, strict=True) if turned]
    text = (
        f"gyro reads {1 / fit.scale:.2f} times the turn of gravity, axes and signs are right"
        f" (correlation {fit.correlation:.2f}, {fit.seconds:.0f} s)"
    )
    name = "gyro and acc agree"
    if len(about) < 3:
        unseen = ", ".join(sorted(set("xyz") - set(about)))
        return Finding("warn", name, f"{text}; hardly turned about {unseen}", _TURN)
    if SCALE_OK[0] <= fit.scale <= SCALE_OK[1]:
        return Finding("ok", name, text)
    if SCALE_WARN[0] <= fit.scale <= SCALE_WARN[1]:
        return Finding("warn", name, text, "turn it more slowly; else the gyro's scale is wrong")
    return Finding("fail", name, text, "the driver assumes a wrong full scale of the gyro")


def _axes_in_words(axes: Float64) -> str:
    """Return the wrong axes and their true names: `x is what the gyro calls -y`."""
    if (axes == -np.eye(3)).all():
        return "the gyro turns the wrong way about all three axes"
    wrong = []
    for axis, row in zip("xyz", axes, strict=True):
        at = int(np.abs(row).argmax())
        label = ("-" if row[at] < 0 else "") + "xyz"[at]
        if label != axis:
            wrong.append(f"{axis} is what the gyro calls {label}")
    return ", ".join(wrong)


def _axes_advice(axes: Float64) -> str:
    mirrored = np.linalg.det(axes) < 0
    return (
        "the driver or its publisher mixed up the gyro's axes"
        + (" (with a wrong sign: no turn of the sensor does this)" if mirrored else "")
        + "; correct the program that makes the samples"
    )
