import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.config.load import ConfigError, load, parse_source
from device.config.reference import KEYS
from device.config.source import Source
from device.mounting.rotation import Mounting
from tests.device.commands import settings_file

WHOLE = """\
# a comment
model = "waist"

[source]
uri = "serial:/dev/ttyUSB0"
baud = 921600

[mounting]
rotation = [
  [0, 1, 0],
  [-1, 0, 0],
  [0, 0, 1]
]

[sinks]
stdout = false
sqlite = "/var/lib/edgehar/decisions.db"

[state]
file = "/var/lib/edgehar/orientation.json"
"""


def test_a_whole_file(tmp_path: Path) -> None:
    config = load(settings_file(tmp_path, WHOLE))
    assert config.source == Source("serial", "/dev/ttyUSB0", 921600)
    assert config.model == "waist"
    assert config.rotation is not None
    assert np.array_equal(np.array(config.rotation) @ [1.0, 2.0, 3.0], [2.0, -1.0, 3.0])
    assert not config.stdout
    assert config.sqlite == Path("/var/lib/edgehar/decisions.db")
    assert config.state == Path("/var/lib/edgehar/orientation.json")


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    config = load(settings_file(tmp_path, ""))
    assert config.stdout
    assert (config.source, config.model, config.rotation, config.sqlite) == (None,) * 4


@pytest.mark.parametrize(
    ("old", "new", "line", "key"),
    [
        ("921600", '"fast"', 6, "source.baud"),
        ("921600", "7", 6, "source.baud"),
        ("921600", "true", 6, "source.baud"),
        ("baud", "bored", 6, "source.bored"),
        ("serial:/dev/ttyUSB0", "i2c:1:0x70", 5, "source.uri"),
        ("serial:/dev", "serail:/dev", 5, "source.uri"),
        ('"waist"', "3", 2, "model"),
        ("model", "modle", 2, "modle"),
        ("[0, 0, 1]", "[0, 0, 2]", 9, "mounting.rotation"),
        ("[0, 0, 1]", "[0, 0, -1]", 9, "mounting.rotation"),
        ("[0, 0, 1]", "[0, 0, nan]", 9, "mounting.rotation"),
        ("[0, 0, 1]", f"[0, 0, 1{'0' * 400}]", 9, "mounting.rotation"),
        ("[0, 0, 1]", "[0, 0]", 9, "mounting.rotation"),
        ("[0, 0, 1]", '[0, 0, "1"]', 9, "mounting.rotation"),
        ("stdout = false", "stdout = 1", 16, "sinks.stdout"),
        ("[sinks]", "[sink]", 15, "sink"),
        ('"/var', '"\\u0000/var', 17, "sinks.sqlite"),
    ],
)
def test_an_error_names_line_and_key(
    tmp_path: Path, old: str, new: str, line: int, key: str
) -> None:
    path = settings_file(tmp_path, WHOLE.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path} line {line}: ")
    assert key in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        (":9464", ("127.0.0.1", 9464)),
        ("9464", ("127.0.0.1", 9464)),
        ("[::1]:9464", ("::1", 9464)),
        ("0.0.0.0:1", ("0.0.0.0", 1)),  # noqa: S104 -- as told
    ],
)
def test_listen_addresses(value: str, found: tuple[str, int], tmp_path: Path) -> None:
    path = settings_file(tmp_path, f'[metrics]\nlisten = "{value}"\n')
    assert load(path).metrics_listen == found


def test_raw_samples_need_a_folder(tmp_path: Path) -> None:
    assert load(settings_file(tmp_path, "")).labels_folder is None
    config = load(settings_file(tmp_path, '[labels]\nfolder = "/var/lib/edgehar/labels"\n'))
    assert (config.labels_folder, config.labels_max_mb) == (Path("/var/lib/edgehar/labels"), 50)


def listen(address: str) -> tuple[str, str]:
    return f'[metrics]\nlisten = "{address}"\n', "line 2: metrics.listen must be ADDRESS:PORT"


def labels(max_mb: str) -> tuple[str, str]:
    text = f'[labels]\nfolder = "x"\nmax_mb = {max_mb}\n'
    return text, "line 3: labels.max_mb must be a whole number"


def rotated(x: float) -> tuple[str, str]:
    text = f"[mounting]\nrotation = [[{x}, 0, 0], [0, 1, 0], [0, 0, 1]]\n"
    return text, "line 2: mounting.rotation must be a rotation"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *map(listen, ["127.0.0.1", "a:b", "a:0", "a:65536", "a:\u0663", "a:-1"]),
        *map(labels, ["4", "2001", "1e3", "true"]),
        *map(rotated, [1.01, 0.99, 1.1]),
        ('[source]\nuri = "i2c:1"\n[mqtt]\nport = 1883\n', "line 3: mqtt.port needs mqtt.host"),
        ('source.uri = "serial:/dev/ttyUSB0"\nsource.baud = -1\n', "line 2: source.baud"),
        ('[source]\nuri = "recording:a.csv"\nbaud = 9600\n', "line 3: source.baud needs"),
        ("[sinkss]\nstdout = false\n", "did you mean sinks"),
        ('[sinks]\nsqllite = "a.db"\n', "did you mean sinks.sqlite"),
        ('modell = "wrist"\n', "did you mean model"),
        ('[source]\nuri = "/dev/ttyUSB0"\n', "did you mean serial:/dev/ttyUSB0"),
    ],
)
def test_settings_are_refused_with_line_and_remedy(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        load(settings_file(tmp_path, text))


@pytest.mark.parametrize("text", ["= 3", "a = [" * 9000, "a = " + "[" * 9000, "x = " + "9" * 5000])
def test_not_toml(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        load(settings_file(tmp_path, text))


def test_missing_and_huge_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="too long"):
        load(settings_file(tmp_path, "#" * 70_000))


def test_settings_of_a_windows_editor_are_read(tmp_path: Path) -> None:
    (path := tmp_path / "s.toml").write_bytes(b'\xef\xbb\xbf[source]\r\nuri = "i2c:1"\r\n')
    assert load(path).source == Source("i2c", "1")


@given(st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_gives_settings_or_a_config_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "any.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        load(path)
    except ConfigError:
        return
    sections = {key.partition(".")[0] for key in KEYS}
    assert set(tomllib.loads(path.read_text("utf-8-sig"))) <= sections


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("serial:/dev/ttyUSB0", Source("serial", "/dev/ttyUSB0")),
        ("serial:/dev/ttyUSB0?baud=9600", Source("serial", "/dev/ttyUSB0", 9600)),
        ("i2c:1", Source("i2c", "1", address=0x68, rate_hz=50)),
        ("i2c:10:0x69?rate=200", Source("i2c", "10", address=0x69, rate_hz=200)),
        ("i2c:1?rate=100&reads=direct", Source("i2c", "1", rate_hz=100, direct=True)),
        ("i2c:0?reads=direct", Source("i2c", "0", direct=True)),
        ("recording:walk?.csv.gz", Source("recording", "walk?.csv.gz")),
    ],
)
def test_source(uri: str, source: Source) -> None:
    assert parse_source(uri) == source


@pytest.mark.parametrize(
    "uri", ["", "serial", "serial:", "serial:/dev/x?baud=fast", "serial:/dev/x?speed=9600",
            "serial:/dev/x?baud=1", "serial:/dev/x?baud=" + "9" * 5000, "usb:1", "serial:/dev/\n",
            "recording:", "i2c:", "i2c:x", "i2c:-1", "i2c:1:0x70", "i2c:1?rate=60",
            "i2c:1?reads=fast", "i2c:1?rate=50?rate=50", "i2c:12345678", "i2c:1:"],
)  # fmt: skip
def test_source_refused_in_one_line(uri: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_source(uri)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("off", [0.0, 3e-4, -4e-4])
def test_a_rotation_with_three_decimals_becomes_exact(tmp_path: Path, off: float) -> None:
    rows = f"[[{0.7071 + off}, -0.707, 0], [0.707, {0.7071 + off}, 0], [0, 0, 1]]"
    rotation = np.array(load(settings_file(tmp_path, f"[mounting]\nrotation = {rows}\n")).rotation)
    assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-12)
    assert rotation == pytest.approx(
        np.array([[0.7071, -0.7071, 0], [0.7071, 0.7071, 0], [0, 0, 1]]), abs=1e-3
    )
    Mounting(rotation)
