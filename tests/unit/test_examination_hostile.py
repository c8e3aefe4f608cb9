"""No input makes an examination fail: mutated documents, mutated bodies, hostile structures."""

import base64
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
from lxml import etree

from khatm.simulator.examination import examine
from khatm.simulator.messages import WireMessage
from khatm.simulator.received import Examination
from khatm.stamp.canonical import invoice_hash
from tests.stamp_vectors import document, documents
from tests.unit.examination_stage import Submission

ROUNDS = 300
"""Per document; the whole stays within a few seconds."""


def damaged(xml: bytes, chance: random.Random) -> bytes:
    """Change a document at one to three places: a byte, a stretch cut out, doubled or moved, or text put in."""
    data = bytearray(xml)
    for _ in range(chance.randint(1, 3)):
        begin = chance.randrange(len(data))
        end = min(len(data), begin + chance.choice((1, 2, 8, 60, 400)))
        kind = chance.randrange(6)
        if kind == 0:
            data[begin] = chance.randrange(256)
        elif kind == 1:
            del data[begin:end]
        elif kind == 2:
            data[begin:begin] = data[begin:end]
        elif kind == 3:
            data[begin:end] = chance.choice((b"", b"<", b"&#0;", b"&amp;", b"<!--x-->", b"<?x y?>", b"\xff", b"\x00"))
        elif kind == 4:
            piece = data[begin:end]
            del data[begin:end]
            at = chance.randrange(len(data) + 1)
            data[at:at] = piece
        else:
            data[begin:end] = bytes(chance.choice(b"09AZaz=+/ ") for _ in range(end - begin))
    return bytes(data)


def elements_moved(xml: bytes, chance: random.Random) -> bytes:
    """Cut a whole element out of a document, and put it back elsewhere or not at all; the result is well-formed."""
    root = etree.fromstring(xml)
    elements = [each for each in root.iter(etree.Element) if each is not root]
    picked = chance.choice(elements)
    parent = picked.getparent()
    assert parent is not None
    parent.remove(picked)
    targets = list(root.iter(etree.Element))
    if chance.random() < 0.6:
        target = chance.choice(targets)
        target.insert(chance.randrange(len(target) + 1), picked)
    if chance.random() < 0.3:
        victim = chance.choice(targets)
        victim.text = chance.choice(("", " ", "-1", "9" * 400, "QR", "2026-13-45", "\u0660", "A" * 5000))
    if chance.random() < 0.2:
        chance.choice(targets).attrib.clear()
    return etree.tostring(root)


def attempts(seed: str) -> Iterator[bytes]:
    for vector in (*documents("own"), *documents("mutated")):
        chance = random.Random(f"{seed} {vector.path}")
        for _ in range(ROUNDS // len(documents("mutated"))):
            yield damaged(vector.xml, chance)
            yield elements_moved(vector.xml, chance)


def assert_answerable(examination: Examination) -> None:
    """What every answer is made of: messages with texts, at least one error where the examination stopped."""
    for message in (*examination.info, *examination.warnings, *examination.errors):
        assert isinstance(message, WireMessage)
        assert message.code
        assert message.message
    assert examination.errors or not examination.stopped
    assert examination.facts is not None or examination.stopped


def test_damaged_documents_are_judged_and_always_alike() -> None:
    count = 0
    for xml in attempts("khatm"):
        received = Submission(xml=xml, body_hash=document("simplified-invoice").invoice_hash).received()
        first = examine(received)
        assert_answerable(first)
        if count % 20 == 0:
            assert examine(received) == first
        count += 1
    assert count > 500


def test_damaged_document_is_never_accepted_unless_it_is_the_same_document() -> None:
    """Damage that the canonical form does not see (a blank in a tag, a comment) is the only one that passes."""
    good = document("simplified-invoice")
    chance = random.Random("khatm integrity")
    for _ in range(ROUNDS):
        xml = damaged(good.xml, chance)
        examination = Submission(xml=xml, body_hash=good.invoice_hash).examine()
        if not examination.errors:
            assert invoice_hash(xml) == good.invoice_hash


@pytest.mark.parametrize("member", ["body_hash", "body_uuid", "body_invoice"])
@pytest.mark.parametrize(
    "value",
    [
        None, True, 0, -1.5, 10**400, "", " ", "\x00", "\ud800", "é", "A" * 100_000, [], {}, [[]], {"a": {}}, b"",
    ],
)  # fmt: skip
def test_any_json_value_in_a_member_is_answered(member: str, value: object) -> None:
    received = replace(Submission().received(), **{member: value})
    examination = examine(received)
    assert_answerable(examination)
    assert examination.errors


@pytest.mark.parametrize(
    "xml",
    [
        b'<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"/>',
        b'<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2" xmlns:r="relative/name"/>',
        b"<Invoice/>",
        b'<?xml version="1.0" encoding="utf-16"?><Invoice/>',
        '<?xml version="1.0" encoding="utf-16"?><Invoice/>'.encode("utf-16"),
        b'<?xml version="1.1"?><Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"/>',
        document("simplified-invoice").xml.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16"),
        document("simplified-invoice").xml.replace(b"<Invoice ", b'<Invoice xmlns:r="relative/name" '),
        document("simplified-invoice").xml.replace(b"<ds:SignatureValue>", b"<ds:SignatureValue><a/>"),
        b"\xef\xbb\xbf" + document("simplified-invoice").xml,
    ],
)
def test_unusual_xml_is_answered(xml: bytes) -> None:
    body_hash = document("simplified-invoice").invoice_hash
    assert_answerable(Submission(xml=xml, body_hash=body_hash).examine())


def test_certificate_in_the_stamp_may_be_anything() -> None:
    good = document("simplified-invoice").xml
    before, _, rest = good.partition(b"<ds:X509Certificate>")
    text, _, after = rest.partition(b"<")
    der = base64.b64decode(text)
    chance = random.Random("khatm certificates")
    for _ in range(ROUNDS):
        other = bytearray(der)
        for _ in range(chance.randint(1, 4)):
            other[chance.randrange(len(other))] = chance.randrange(256)
        cut = other[: chance.choice((len(other), chance.randrange(len(other))))]
        xml = before + b"<ds:X509Certificate>" + base64.b64encode(cut) + b"<" + after
        examination = Submission(xml=xml).examine()
        assert_answerable(examination)
        if bytes(cut) != der:
            assert examination.errors
