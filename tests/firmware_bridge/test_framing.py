from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.framing import cobs_decode, cobs_encode, crc16, seal, unseal

# COBS has a special code for runs of about 254 bytes.
CONTENT = st.one_of(
    st.binary(max_size=600),
    st.lists(st.sampled_from([b"\0", b"a", b"b" * 253, b"c" * 254, b"d" * 255]), max_size=6).map(
        b"".join
    ),
)


def test_crc_and_cobs_give_the_published_examples() -> None:
    run = bytes(range(1, 255))
    assert crc16(b"123456789") == 0x29B1
    assert cobs_encode(b"\0") == b"\1\1"
    assert cobs_encode(b"\x11\x22\0\x33") == b"\3\x11\x22\2\x33"
    assert cobs_encode(run) == b"\xff" + run + b"\1"
    assert cobs_decode(b"\xff" + run) == run  # some encoders leave out the last code


@given(CONTENT)
def test_cobs_encodes_any_bytes_without_zeros(data: bytes) -> None:
    encoded = cobs_encode(data)
    assert 0 not in encoded
    assert len(encoded) <= len(data) + len(data) // 254 + 1
    assert cobs_decode(encoded) == data


@given(st.binary(max_size=600))
def test_cobs_decoder_accepts_any_bytes(data: bytes) -> None:
    decoded = cobs_decode(data)
    assert decoded is None or cobs_decode(cobs_encode(decoded)) == decoded


@given(CONTENT.filter(bool), st.data())
def test_a_frame_keeps_its_content_and_reveals_damage(content: bytes, data: st.DataObject) -> None:
    frame = seal(content)
    assert frame[0] == frame[-1] == 0
    inner = frame[1:-1]
    assert unseal(inner) == content
    at = data.draw(st.integers(0, len(inner) - 1))
    cut = inner[:at] + inner[at + 1 :]
    assert unseal(cut) != content
