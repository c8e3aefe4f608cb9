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
