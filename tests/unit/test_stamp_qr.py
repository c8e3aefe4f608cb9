"""QR codes: what is written is read back; both forms of length; damage is one clear error. Source: stamp standard 5."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khatm.stamp import qr
from khatm.stamp.errors import QrValueTooLong, UnreadableQr

VALUES = st.lists(st.binary(max_size=400), min_size=1, max_size=9)


@given(VALUES)
def test_any_values_come_back(values: list[bytes]) -> None:
    items = list(enumerate(values, start=1))
    content = qr.decode(qr.encode(items))
    assert list(content.items) == items
    assert content.lengths == "ber"
    assert content.in_order is (len(values) >= 5)


@given(st.lists(st.binary(max_size=255), min_size=1, max_size=9))
def test_plain_lengths_come_back_or_mean_something_in_ber(values: list[bytes]) -> None:
    """Where the octets are readable as BER with ascending tags, that reading wins, as at the authority."""
    items = list(enumerate(values, start=1))
    content = qr.decode(qr.encode(items, lengths="plain"))
    assert list(content.items) == items or content.lengths == "ber"


def test_the_published_form_is_read_and_said() -> None:
    items = [(1, ("م" * 70).encode()), (2, b"310123456700003"), (3, b"t"), (4, b"1"), (5, b"2")]
    text = qr.encode(items, lengths="plain")
    content = qr.decode(text)
    assert list(content.items) == items
    assert content.lengths == "plain"
    with pytest.raises(UnreadableQr):
        qr.decode(text, accept_plain=False)


def test_lengths_beyond_each_form() -> None:
    with pytest.raises(QrValueTooLong) as caught:
        qr.encode([(1, b"x" * 256)], lengths="plain")
    assert (caught.value.tag, caught.value.found, caught.value.allowed) == (1, 256, 255)
    assert base64.b64decode(qr.encode([(1, b"x" * 70000)]))[:5].hex() == "0183011170"


@given(st.binary(max_size=200))
def test_any_bytes_decode_or_give_the_one_error(raw: bytes) -> None:
    try:
        content = qr.decode(base64.b64encode(raw).decode())
    except UnreadableQr as error:
        assert error.stage == ("tlv" if raw else "base64")
    else:
        if content.lengths == "plain":
            assert b"".join(bytes((tag, len(value))) + value for tag, value in content.items) == raw


@pytest.mark.parametrize("text", ["", "  \n", "not base64", "AQF4A", "AQF4\nAgF5", "ختم"])
def test_texts_that_are_no_base64(text: str) -> None:
    with pytest.raises(UnreadableQr) as caught:
        qr.decode(text)
    assert caught.value.stage == "base64"


def test_access_by_tag() -> None:
    content = qr.decode(" " + qr.encode([(1, "ختم".encode()), (2, b"\xff"), (2, b"again")]) + "\n")
    assert content.text(1) == "ختم"
    assert content.value(2) == b"\xff"
    assert content.text(2) == "\ufffd"
    assert content.value(3) is None and content.text(3) is None
    assert not content.in_order


@pytest.mark.parametrize(
    ("utc", "saudi"),
    [
        ("2026-01-15T21:30:05Z", "2026-01-16T00:30:05"),
        ("2026-01-15T09:30:05", None),
        ("2026-13-15T09:30:05Z", None),
        ("9999-12-31T23:00:00Z", None),
    ],
)
def test_utc_times(utc: str, saudi: str | None) -> None:
    assert qr.utc_as_saudi(utc) == saudi


def long_form(size: int) -> bytes:
    """The length octets of X.690, 8.1.3: one up to 127, else their number with the top bit set, and the size."""
    if size <= 127:
        return bytes([size])
    octets = bytes.fromhex(f"{size:x}".rjust(len(f"{size:x}") + len(f"{size:x}") % 2, "0"))
    return bytes([0x80 + len(octets)]) + octets


@pytest.mark.parametrize("size", [0, 1, 126, 127, 128, 129, 255, 256, 257, 32767, 32768, 65535, 65536, 0xFFFFFF])
def test_lengths_at_their_edges(size: int) -> None:
    value = b"v" * size
    written = b"\x01" + long_form(size) + value + b"\x02\x01x"
    assert base64.b64decode(qr.encode([(1, value), (2, b"x")])) == written
    content = qr.decode(base64.b64encode(written).decode(), accept_plain=False)
    assert content.items == ((1, value), (2, b"x"))
    assert content.lengths == "ber"


def test_the_longest_values() -> None:
    with pytest.raises(QrValueTooLong) as caught:
        qr.encode([(7, b"x" * (0xFFFFFF + 1))])
    assert (caught.value.tag, caught.value.found, caught.value.allowed) == (7, 0xFFFFFF + 1, 0xFFFFFF)
    assert base64.b64decode(qr.encode([(1, b"x" * 255)], lengths="plain"))[:2] == b"\x01\xff"
    assert base64.b64decode(qr.encode([(1, b"x" * 128)], lengths="plain"))[:2] == b"\x01\x80"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("01", "tag 1 has no length"),
        ("010141 05", "tag 5 has no length"),
        ("0180", "tag 1 has the length octet 0x80, which no short value has"),
        ("0184 00000001 41", "tag 1 has the length octet 0x84, which no short value has"),
        ("03ff 41", "tag 3 has the length octet 0xff, which no short value has"),
        ("0181", "tag 1 has the length octet 0x81, which no short value has"),
        ("0182 01", "tag 1 has the length octet 0x82, which no short value has"),
        ("0105 414243", "tag 1 says 5 bytes and 3 follow"),
        ("010141 020341", "tag 2 says 3 bytes and 1 follow"),
        ("0181 05 4142", "tag 1 says 5 bytes and 2 follow"),
    ],
)
def test_damage_is_told_with_tag_and_sizes(raw: str, said: str) -> None:
    with pytest.raises(UnreadableQr) as caught:
        qr.decode(base64.b64encode(bytes.fromhex(raw)).decode(), accept_plain=False)
    assert (caught.value.stage, caught.value.found) == ("tlv", said)


def test_the_long_form_needs_no_more_than_is_there() -> None:
    """A length whose octets are the last of the code, for an empty value."""
    content = qr.decode(base64.b64encode(bytes.fromhex("018100")).decode(), accept_plain=False)
    assert content.items == ((1, b""),)


def test_one_octet_lengths_are_read_only_where_their_tags_ascend() -> None:
    """BER fails in both; in the second the plain reading gives the same tag twice, which no code has."""
    value = b"x" * 200
    good = b"\x01\xc8" + value + b"\x02\x01y"
    assert qr.decode(base64.b64encode(good).decode()).items == ((1, value), (2, b"y"))
    twice = b"\x01\xc8" + value + b"\x01\x01y"
    with pytest.raises(UnreadableQr) as caught:
        qr.decode(base64.b64encode(twice).decode())
    assert caught.value.stage == "tlv"


@pytest.mark.parametrize(("text", "said"), [("", "it is empty"), (" \n", "it is empty"), ("a!b=", "it is not base64")])
def test_what_is_wrong_with_the_text_is_said(text: str, said: str) -> None:
    with pytest.raises(UnreadableQr) as caught:
        qr.decode(text)
    assert (caught.value.stage, caught.value.found) == ("base64", said)
