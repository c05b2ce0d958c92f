"""Reports on `not_worn` decisions for worn sensors and for simulated sensors on a table."""

from itertools import groupby
from pathlib import Path
from typing import Any

from device.signal.path import windows_of
from device.signal.spec import SignalSpec
from train.datasets import hapt
from train.results import pages
from train.results.provenance import provenance
from train.studies.nonwear import WORN, beyond_noise, put_on_figures, unworn_figures, worn_figures
from train.studies.unworn import unworn
from train.wrist import wear_days
from train.wrist.spec import SPEC as WRIST

HEAD = [
    "",
    "people",
    "hours",
    "stillest window",
    "longest still time",
    "longest still time at twice the thresholds",
    "time `still` or `not_worn`",
    "worst person",
    "sitting: recordings still without noise",
    "lying: recordings still without noise",
]
UNWORN_S = 3600.0
UNWORN: dict[str, dict[str, Any]] = {
    "on a table": {},
    "on a table, twice the noise (as an MPU-6500)": {"noise": 2.0},
    "on a table, three times the noise": {"noise": 3.0},
    "a knock every minute": {"knock_every_s": 60.0},
    "a knock every 15 s": {"knock_every_s": 15.0},
    "footsteps without end": {"steps": True},
}
"""Simulated sensors that nobody wears: the arguments of `unworn` by description."""


def report(folder: Path) -> str:
    """Make the table; write results/worn.json. Raises DataError if data are missing."""
    whole, hashes = wear_days.load(folder)
    waist = hapt.load(folder)
    figures: dict[str, Any] = {"worn": {}, "unworn": {}}
    for name, group in groupby(whole, key=lambda day: day.dataset):
        days = list(group)
        streams = ((day.person, windows_of(day.samples, WRIST)) for day in days)
        at_rest = {rest: beyond_noise(days, rest) for rest in ("sitting", "lying")}
        figures["worn"][name] = {**worn_figures(streams, WRIST), "beyond_noise": at_rest}
    spec = SignalSpec()
    streams = ((str(one.person), windows_of(one.samples, spec)) for one in waist.recordings)
    figures["worn"]["hapt (waist)"] = {**worn_figures(streams, spec), "beyond_noise": {}}
    for name, how in UNWORN.items():
        figures["unworn"][name] = unworn_figures(windows_of(unworn(UNWORN_S, **how), WRIST))
    figures["put_on"] = put_on_figures(whole)
    rows = [*map(_worn_row, *zip(*figures["worn"].items(), strict=True))]
    rows += [*map(_unworn_row, *zip(*figures["unworn"].items(), strict=True))]
    figures["data"] = {**hashes, "hapt": waist.sha256}
    pages.write("worn", {"spec": WORN.to_dict(), **figures, **provenance()}, HEAD, rows)
    return pages.markdown(HEAD, rows)


def _worn_row(name: str, of: dict[str, Any]) -> list[str]:
    return [
        name,
        str(of["people"]),
        f"{of['hours']:.1f}",
        f"{1000 * of['stillest_rad_s'][0]:.1f} mrad/s",
        f"{of['still_s']['spec']:.0f} s",
        f"{of['still_s']['twice']:.0f} s",
        f"{of['too_still']:.2%}",
        f"{of['worst_person']:.2%}",
        *(_share(of["beyond_noise"].get(rest)) for rest in ("sitting", "lying")),
    ]


def _share(of: dict[str, int] | None) -> str:
    return f"{of['still']} of {of['recordings']}" if of and of["recordings"] else ""


def _unworn_row(name: str, of: dict[str, Any]) -> list[str]:
    delay = "never" if of["delay_s"] is None else f"not worn after {of['delay_s']:.0f} s"
    return [
        f"not worn: {name}",
        "",
        f"{of['hours']:.1f}",
        f"{1000 * of['rate_rad_s'][0]:.1f} mrad/s (median)",
        delay,
        "",
        f"{of['not_worn'] + of['too_still']:.1%}",
        "",
        "",
        "",
    ]
