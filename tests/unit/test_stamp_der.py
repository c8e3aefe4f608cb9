"""DER: what is written is read back, and only the strict form is read. Source: X.690."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khatm.stamp import der


@given(st.binary(max_size=300), st.sampled_from([der.OCTET_STRING, der.UTF8_STRING, der.SEQUENCE]))
def test_content_of_any_length_comes_back(content: bytes, tag: int) -> None:
    element = der.read(der.write(tag, content))
    assert (element.tag, element.content) == (tag, content)


@given(
    st.integers(0, 2).flatmap(
        lambda first: st.tuples(
            st.just(first),
            st.integers(0, 39 if first < 2 else 10**9),
            st.lists(st.integers(0, 2**70), max_size=8),
        )
    )
)
def test_object_identifiers_come_back(arcs: tuple[int, int, list[int]]) -> None:
    first, second, rest = arcs
    dotted = ".".join(str(arc) for arc in (first, second, *rest))
    assert der.read(der.write_oid(dotted)).oid == dotted


@given(st.binary(max_size=200))
def test_any_bytes_give_an_element_or_the_one_error(data: bytes) -> None:
    try:
        element = der.read(data)
        assert element.encoded == data
        element.children()
    except der.MalformedDer:
        pass


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        ("", "missing"),
        ("30", "missing"),
        ("3005aabb", "missing"),
        ("0400ff", "after the end"),
        ("30800000", "indefinite"),
        ("04810161", "shortest"),
        ("0482000161", "shortest"),
        ("04ff", "indefinite or oversized"),
        ("1f0100", "several octets"),
    ],
)
def test_loose_encodings_are_refused(encoded: str, reason: str) -> None:
    with pytest.raises(der.MalformedDer, match=reason):
        der.read(bytes.fromhex(encoded))


def test_typed_access_refuses_other_types() -> None:
    text = der.read(der.write(der.UTF8_STRING, b"x"))
    for access in (lambda: text.integer, lambda: text.oid, lambda: text.bits, lambda: text.expect(der.SEQUENCE)):
        with pytest.raises(der.MalformedDer):
            access()
    assert der.read(der.write(der.INTEGER, b"\xff")).integer == -1
    with pytest.raises(der.MalformedDer, match="whole bytes"):
        _ = der.read(der.write(der.BIT_STRING, b"\x03\x08")).bits
