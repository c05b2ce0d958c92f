"""`edgehar run`: the daemon."""

import logging
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import click

from device import config as configs
from device import daemon
from device.commands import options
from device.model.classifier import Classifier
from device.model.trial import Taken
from device.pipeline import Pipeline
from device.sinks import Outlet, Sink
from device.sinks.stdout import Stdout
from device.status import InferenceTimes
from firmware_bridge.errors import InputError
from firmware_bridge.whole_file import write_json

log = logging.getLogger(__name__)


@click.command(
    epilog="\b\nExamples:\n"
    "  edgehar run --source serial:/dev/ttyUSB0\n"
    "  edgehar run --source i2c:1:0x68\n"
    "  edgehar run --config /etc/edgehar.toml --sqlite decisions.db\n"
    "\b\nA settings file, every line of it optional:\n"
    '  model = "waist"\n'
    "  [source]\n"
    '  uri = "serial:/dev/ttyUSB0"\n'
    "  baud = 115200\n"
    "  [mounting]  # turns sensor axes into wrist axes\n"
    "  rotation = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]\n"
    "  [calibration]  # from edgehar calibrate\n"
    '  file = "wrist.json"\n'
    "  [sinks]\n"
    "  stdout = true\n"
    '  sqlite = "/var/lib/edgehar/decisions.db"\n'
    "  [history]  # of the database; the oldest goes\n"
    "  keep_days = 90\n"
    "  max_mb = 2000\n"
    "  [state]  # the mounting that was found, for the next start\n"
    '  file = "/var/lib/edgehar/orientation.json"\n'
    "  [models]  # see edgehar models --help\n"
    '  folder = "/var/lib/edgehar/models"\n'
    "  [metrics]  # for Prometheus\n"
    '  listen = "127.0.0.1:9464"\n'
    "  [mqtt]  # for home automation\n"
    '  host = "homeassistant.local"'
)
@click.option("--config", "config_path", metavar="FILE", type=Path, help="Settings, in TOML.")
@click.option("--source", metavar="SOURCE", help="serial:PORT[?baud=N], "
              "i2c:BUS[:ADDRESS][?rate=50|100|200] or recording:FILE.")  # fmt: skip
@click.option("--model", metavar="NAME|FILE", help="A shipped model's name, or a bundle "
              "[default: the active one of `edgehar models`].")  # fmt: skip
@click.option("--sqlite", metavar="FILE", type=Path, help="Write decisions to a database too.")
@click.option("--calibration", metavar="FILE", type=Path, help="The sensor's constant errors, from"
              " `edgehar calibrate`.")  # fmt: skip
@click.option("--state", metavar="FILE", type=Path, help="Keep the mounting found, for the next "
              "start [default: orientation.json in $STATE_DIRECTORY, if set].")  # fmt: skip
@click.option("--report", metavar="FILE", type=Path, help="At the end, write what came as JSON.")
def command(  # noqa: PLR0913, PLR0917 -- one argument an option
    config_path: Path | None,
    source: str | None,
    model: str | None,
    sqlite: Path | None,
    calibration: Path | None,
    state: Path | None,
    report: Path | None,
) -> None:
    """Classify what a sensor sends, live, until SIGTERM or Ctrl-C.

    Decisions go to standard output as JSON lines, events and losses to standard error. Options
    override the settings file.
    """
    options.log_to_stderr()
    config = configs.load(config_path) if config_path else configs.Config()
    config = replace(
        config,
        source=configs.parse_source(source) if source else config.source,
        model=model or config.model,
        sqlite=sqlite or config.sqlite,
        calibration=calibration or config.calibration,
        state=state or config.state,
    )
    if config.source is None:
        raise InputError("no source; give --source serial:/dev/ttyUSB0 or set source.uri")
    if not config.stdout and config.sqlite is None and config.mqtt is None:
        raise InputError("decisions would go nowhere; set sinks.stdout, sinks.sqlite or mqtt.host")
    stop = options.until_told_to_stop()
    with options.model_taken(config) as taken:
        _recognise(config, config.source, taken, stop, report)


def _recognise(
    config: configs.Config,
    source: configs.Source,
    taken: Taken,
    stop: Callable[[], bool],
    report: Path | None,
) -> None:
    bundle = taken.bundle
    opened = options.open_source(source)
    if config.calibration is not None:
        opened = options.calibrated(opened, config.calibration)
    kept = None
    if config.rotation is None:
        kept = options.mounting_file(bundle, source, opened.name, config.state)
    before = None if kept is None else kept.read(bundle.spec.rate_hz)
    times = InferenceTimes(Classifier(bundle).probabilities)
    pipeline = Pipeline(bundle, times, config.rotation, before)
    sinks: list[Sink] = [Stdout()] if config.stdout else []
    if config.sqlite is not None:
        from device.sinks.sqlite import Sqlite  # noqa: PLC0415 -- 1 MB of memory where not wanted

        sinks.append(Sqlite(config.sqlite, opened.name, config.history))
    if config.metrics_listen or config.metrics_file:
        from device.sinks.metrics import Metrics  # noqa: PLC0415 -- 4 MB, and of an extra

        sinks.append(Metrics(config.metrics_listen, config.metrics_file))
    if config.mqtt is not None:
        from device.sinks.mqtt import Mqtt  # noqa: PLC0415 -- 3 MB, and of an extra

        sinks.append(Mqtt(config.mqtt, bundle.labels, bundle.id))
    into = ", ".join(sink.name for sink in sinks)
    day_file = options.today_file(source, config.state)
    today = None if day_file is None else day_file.read(bundle.labels)
    sinks += [day_file] if day_file is not None else []
    log.info("model %s: %s", bundle.id, taken.why)
    log.info("ready: model %s, from %s, to %s", bundle.id, opened.name, into)
    if taken.proof is not None:
        sinks.append(taken.proof)
    outlets = [Outlet(sink) for sink in sinks]
    result = daemon.run(opened, pipeline, bundle.spec, outlets, stop, kept, times, today)
    if report is not None:
        write_json(report, {"model": bundle.id, **asdict(result)})
