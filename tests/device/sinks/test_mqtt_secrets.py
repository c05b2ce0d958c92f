import gc
import ipaddress
import logging
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from device.config.broker import Broker
from firmware_bridge.errors import InputError
from tests.device.commands import edgehar
from tests.device.made_up import decision
from tests.waiting import wait_for

pytest.importorskip("paho.mqtt", reason="needs edgehar[mqtt]")
pytest.importorskip("cryptography", reason="needs cryptography, to make certificates")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.device.sinks.mosquitto import PROGRAM, broker, listener, told

# paho-mqtt leaves a socket whose TLS handshake failed to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:Exception ignored in. <ssl\.SSLSocket:pytest.PytestUnraisableExceptionWarning"
)
BASE = "edgehar/wrist"
SECRET = "correct-horse"  # noqa: S105 -- nobody else's
PEM = serialization.Encoding.PEM


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("device.sinks.mqtt.connection.FIRST_WAIT_S", 0.05)
    monkeypatch.setattr("device.sinks.mqtt.connection.LONGEST_WAIT_S", 0.1)
    caplog.set_level(logging.INFO, "device.sinks.mqtt.connection")


def secret(path: Path, text: str = SECRET, mode: int = 0o600) -> Path:
    path.write_text(text + "\n")
    path.chmod(mode)
    return path


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a broker with one user."""
    folder = tmp_path_factory.mktemp("guarded")
    passwords = folder / "passwords"
    if PROGRAM is not None:
        command = ["mosquitto_passwd", "-c", "-b", str(passwords), "wrist", SECRET]
        subprocess.run(command, check=True, capture_output=True)
    with broker(folder, "allow_anonymous false", f"password_file {passwords}") as found:
        yield found.port


def test_the_right_password_opens(guarded: int, tmp_path: Path) -> None:
    password = secret(tmp_path / "password")
    settings = Broker("127.0.0.1", guarded, topic=BASE, user="wrist", password_file=password)
    with listener(guarded, username_pw_set=("wrist", SECRET)) as hears, told(settings) as sink:
        sink.write(decision(1.0, None))
        hears.wait_for(f"{BASE}/state", "walking")


@pytest.mark.parametrize("given", ["wrong", None])
def test_a_wrong_password_is_one_clear_line_that_does_not_tell_it(
    given: str | None, guarded: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Broker("127.0.0.1", guarded, topic=BASE)
    if given is not None:
        file = secret(tmp_path / "password", "wrong-horse")
        settings = Broker("127.0.0.1", guarded, topic=BASE, user="wrist", password_file=file)
    attempts = []
    with told(settings) as sink:
        sink._link._client.on_pre_connect = lambda *_: attempts.append(1)
        wait_for(lambda: len(attempts) >= 5, "five attempts")
        sink.write(decision(1.0, None))
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == (
        f"mqtt 127.0.0.1:{guarded}: refused: Not authorized; check mqtt.user and mqtt.password_file"
    )


def complaint(settings: Path) -> str:
    """Return the line with which `run` refuses these settings."""
    done = edgehar("run", "--config", settings, "--source", "serial:/dev/none")
    (line,) = [line for line in done.stderr.splitlines() if " INFO " not in line]
    assert done.returncode == 2
    return line


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [(SECRET, 0o644, "chmod o="), ("", 0o600, "no password"), ("\udcff", 0o600, "not text")],
)
def test_a_password_file_of_no_use_is_refused(
    text: str, mode: int, words: str, tmp_path: Path
) -> None:
    password, settings = tmp_path / "password", tmp_path / "edgehar.toml"
    password.write_bytes(text.encode("utf-8", "surrogateescape") + b"\n")
    password.chmod(mode)
    settings.write_text(
        f'[mqtt]\nhost = "127.0.0.1"\nuser = "wrist"\npassword_file = "{password}"\n'
    )
    line = complaint(settings)
    assert str(password) in line
    assert words in line
    assert SECRET not in line


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('port = 1883', "mqtt.port needs mqtt.host"),
        ('host = "x"\nport = 0', "mqtt.port must be a whole number"),
        ('host = "x"\ntopic = "a/+/b"', "mqtt.topic must be an MQTT topic"),
        ('host = "x"\npassword_file = "p"', "mqtt.password_file needs mqtt.user"),
        ('host = "x"\ncert_file = "p"', "both mqtt.cert_file and mqtt.key_file"),
        ('host = "a..b"', "mqtt.host"),
        ('host = "x"\nqos = 2', "unknown key mqtt.qos"),
        ('host = "x"\nca_file = "/none"', "mqtt.ca_file /none: No such file"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_meant_are_one_line(lines: str, words: str, tmp_path: Path) -> None:
    settings = tmp_path / "edgehar.toml"
    settings.write_text(f"[mqtt]\n{lines}\n")
    assert words in complaint(settings)


class Authority:
    """Issues certificates that are valid for an hour."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = named(name)
        self.file = folder / f"{name}.pem"
        basic = x509.BasicConstraints(ca=True, path_length=None)
        self._sign(self.file, self._name, self._key, basic)

    def issue(self, name: str) -> tuple[Path, Path]:
        """Return the files of a certificate for 127.0.0.1 and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        cert_file, key_file = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        self._sign(cert_file, named(name), key, here)
        key_file.touch(0o600)
        plain = serialization.NoEncryption()
        key_file.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, plain))
        return cert_file, key_file

    def _sign(
        self, file: Path, subject: x509.Name, key: ec.EllipticCurvePrivateKey,
        extension: x509.ExtensionType,
    ) -> None:  # fmt: skip
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(extension, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        file.write_bytes(certificate.public_bytes(PEM))


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "ours")


@pytest.fixture(scope="module")
def encrypted(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a broker that requires TLS and a client certificate."""
    cert_file, key_file = authority.issue("broker")
    with broker(
        tmp_path_factory.mktemp("encrypted"), f"cafile {authority.file}",
        f"certfile {cert_file}", f"keyfile {key_file}",
        "require_certificate true", "use_identity_as_username true",
    ) as found:  # fmt: skip
        yield found.port


def test_tls_with_a_certificate_of_ours(
    authority: Authority, encrypted: int, caplog: pytest.LogCaptureFixture
) -> None:
    cert_file, key_file = authority.issue("wrist")
    settings = Broker(
        "127.0.0.1", encrypted, topic=BASE,
        ca_file=authority.file, cert_file=cert_file, key_file=key_file,
    )  # fmt: skip
    login = (str(authority.file), str(cert_file), str(key_file))
    with listener(encrypted, tls_set=login) as hears, told(settings) as sink:
        sink.write(decision(1.0, None))
        hears.wait_for(f"{BASE}/state", "walking")
    assert [record.getMessage() for record in caplog.records] == [
        f"mqtt 127.0.0.1:{encrypted}: connected"
    ]


def test_a_broker_that_is_not_signed_by_whom_we_trust(
    encrypted: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = Authority(tmp_path, "stranger")
    line = _complaint(Broker("127.0.0.1", encrypted, ca_file=stranger.file), caplog)
    assert re.search("certificate.*; trying again", line, re.IGNORECASE)


def test_a_broker_that_wants_another_certificate(
    authority: Authority, encrypted: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cert_file, key_file = Authority(tmp_path, "stranger").issue("thief")
    settings = Broker(
        "127.0.0.1", encrypted, ca_file=authority.file, cert_file=cert_file, key_file=key_file
    )
    assert "client certificate" in _complaint(settings, caplog)


def test_a_broker_that_wants_tls(encrypted: int, caplog: pytest.LogCaptureFixture) -> None:
    assert "does it require TLS" in _complaint(Broker("127.0.0.1", encrypted), caplog)


def _complaint(settings: Broker, caplog: pytest.LogCaptureFixture) -> str:
    with told(settings):
        wait_for(lambda: caplog.records, "a message in the log")
    gc.collect()
    lines = {record.getMessage() for record in caplog.records}
    assert len(lines) == len(caplog.records) == 1
    return lines.pop()


def test_a_key_that_others_may_read_is_refused(authority: Authority) -> None:
    cert_file, key_file = authority.issue("open")
    key_file.chmod(0o644)
    settings = Broker("x", ca_file=authority.file, cert_file=cert_file, key_file=key_file)
    with pytest.raises(InputError, match=re.escape(f"{key_file}: every user may read it")):
        settings.context()


def test_a_key_of_another_certificate_is_refused(authority: Authority) -> None:
    cert_file, _ = authority.issue("one")
    _, key_file = authority.issue("other")
    settings = Broker("x", ca_file=authority.file, cert_file=cert_file, key_file=key_file)
    with pytest.raises(InputError, match=re.escape(str(key_file))):
        settings.context()
