"""The canonical form taken from the source: the same as the parser's for whatever is written into a document.

Expectations are by lxml (libxml2), which knows nothing of the shortcut.
"""

import random
import re
from collections.abc import Iterator
from typing import Final

import pytest
from lxml import etree

from khatm.document.errors import UnreadableXml
from khatm.document.xml import parse
from khatm.errors import KhatmError
from khatm.stamp.canonical import hash_text, invoice_hash, read_canonical, remove_stamp
from khatm.stamp.errors import MissingElement
from khatm.stamp.facts import read_facts
from khatm.stamp.source_text import canonical_pieces, canonical_source, without_extensions
from khatm.stamp.verify import verify, verify_tree
from tests.vectors.entries import read

PLAIN: Final = read("unsigned/simplified-invoice.xml")
SIGNED: Final = read("signed/simplified-invoice.xml")
STAMP: Final = (
    b"<ext:UBLExtensions><ext:UBLExtension xmlns:ds='urn:ds'><ds:DigestValue>aGFzaA==</ds:DigestValue>"
    b"</ext:UBLExtension></ext:UBLExtensions>"
)
SIGNATURE: Final = b"<cac:Signature>\n<cbc:ID>urn:x</cbc:ID></cac:Signature>"
QR: Final = (
    b"<cac:AdditionalDocumentReference>\n <cbc:ID>QR</cbc:ID><cac:Attachment><cbc:EmbeddedDocumentBinaryObject "
    b'mimeCode="text/plain">AQ==</cbc:EmbeddedDocumentBinaryObject></cac:Attachment></cac:AdditionalDocumentReference>'
)
PLAIN_SPELLINGS: Final = (
    " ", "\n\t", "é", "ـ", "&amp;", "&lt;", "&gt;", '"', "'", "=", "<a></a>", '<a b="c"></a>', "<a/>", '<a b="c" />',
    '<a filename="f" mimeCode="m"></a>', '<cbc:ID schemeID="UN/ECE 5305" schemeAgencyID="6">S</cbc:ID>',
)  # fmt: skip
OTHER_SPELLINGS: Final = (
    "\r", "\r\n", "&quot;", "&#13;", "&#x51;R", "QR", ">", "<!-- c -->", "<!--", "-->", "<![CDATA[<x>]]>", "]]>",
    "<?p i?>", "?>", "<", "</", "/>", " >", "<a\n/>", "<a ></a>", "<a></a >", "<a  b='c'></a>", '<a b ="c"></a>',
    '<a b="c" ></a>', '<a b="&lt;"></a>', '<a b=">"></a>', '<a b="\t"></a>', '<a b="&#9;"></a>', '<a c="1" b="2"></a>',
    '<a mimeCode="m" filename="f"></a>', '<a xmlns="urn:y"></a>', '<a xmlns=""></a>', '<a xmlns:cac="urn:y"></a>',
    '<a xml:lang="ar"></a>', '<!-- <cbc:ID schemeID="UN/ECE 5305" schemeAgencyID="6"> -->',
    "<ext:UBLExtensions>", "</ext:UBLExtensions>", "<ext:UBLExtensions/>", "<!-- </ext:UBLExtensions> -->",
    "<ds:DigestValue>", "<cac:Signature>", "</cac:Signature>", "<cac:Signature/>", "<!-- </cac:Signature>",
    "<!-- <cac:Signature> -->", "<cac:AdditionalDocumentReference>", "</cac:AdditionalDocumentReference>",
    "<cbc:ID>QR</cbc:ID>", "<cbc:ID> QR\n</cbc:ID>",
    "<cac:AdditionalDocumentReference><cbc:ID>QR</cbc:ID></cac:AdditionalDocumentReference>",
    "<cac:AdditionalDocumentReference><cbc:ID>1</cbc:ID></cac:AdditionalDocumentReference>",
)  # fmt: skip
STARTS: Final = (
    "", " ", "\n", "\ufeff", '<?xml version="1.0"?>', "<?xml version='1.0' encoding='utf-8'?>\n", "<?p i?>",
    '<?xml version="1.1" encoding="UTF-8"?>', '<?xml version="1.0" encoding="ISO-8859-1"?>', "<!-- c -->",
)  # fmt: skip
ROOTS: Final = (
    ' xmlns:a="urn:a"', ' xmlns:zz="urn:z"', ' a="b"', ' xmlns:zz="relative"', " ",
    ' xmlns:xml="http://www.w3.org/XML/1998/namespace"',
)  # fmt: skip

LINES: Final = (
    b"",
    b"<cac:InvoiceLine><cac:InvoiceLine></cac:InvoiceLine></cac:InvoiceLine>",
    b"<cac:InvoiceLine><cac:InvoiceLine>" + b"<cbc:ID>1</cbc:ID>" * 9000 + b"</cac:InvoiceLine></cac:InvoiceLine>",
    b"<cac:InvoiceLine/>",
    b"<cac:InvoiceLine><!-- <cac:InvoiceLine> --></cac:InvoiceLine>",
    b"<cac:AccountingSupplierParty></cac:AccountingSupplierParty>",
    b"<cac:InvoiceLine><cac:AccountingSupplierParty></cac:AccountingSupplierParty></cac:InvoiceLine>",
    b"<cac:Signature><cac:InvoiceLine></cac:InvoiceLine></cac:Signature>",
    b"<cac:Other><cac:InvoiceLine></cac:InvoiceLine></cac:Other>",
    b"<cac:InvoiceLine>",
    b"</cac:InvoiceLine>",
    b"<cac:InvoiceLine></cac:Item></cac:InvoiceLine>",
    b"<cac:InvoiceLine><x:y></x:y></cac:InvoiceLine>",
    b"<cac:Other>",
    b"<cac:InvoiceLine>\xff</cac:InvoiceLine>",
)


def by_lxml(xml: bytes) -> bytes | None:
    """The canonical form without the stamp; None for what is not readable or has none."""
    try:
        tree = parse(xml)
    except UnreadableXml:
        return None
    remove_stamp(tree)
    try:
        plain: bytes = etree.tostring(tree, method="c14n", with_comments=False)
    except etree.LxmlError:
        return None
    return plain


def written_into(xml: bytes, rng: random.Random) -> bytes:
    """Write up to three spellings between tags, into texts or into tags."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        place = rng.choice((b">", b">", b">", rb"(?<=>)\s*\w*", rb"</?\w*", rb"\s"))
        at = rng.choice([each.end() for each in re.finditer(place, xml)])
        piece = rng.choice(rng.choice((PLAIN_SPELLINGS, OTHER_SPELLINGS)))
        xml = xml[:at] + piece.encode() + xml[at:]
    return xml


def documents(seed: int, number: int) -> Iterator[bytes]:
    """An invoice, half of them stamped, with something written into most; around the stamp more than elsewhere."""
    rng = random.Random(seed)
    begin = PLAIN.index(b"<Invoice")
    body = PLAIN[begin:]
    head_end = body.index(b">")
    supplier = body.index(b"<cac:AccountingSupplierParty>")
    stamped = body[: head_end + 1] + STAMP + body[head_end + 1 : supplier] + QR + SIGNATURE + body[supplier:]
    for _ in range(number):
        xml = rng.choice((body, stamped))
        if rng.random() < 0.9:
            near = rng.choice((len(xml), head_end + len(STAMP) + 60))
            xml = written_into(xml[:near], rng) + xml[near:]
        if rng.random() < 0.1:
            xml = xml[:head_end] + rng.choice(ROOTS).encode() + xml[head_end:]
        start = rng.choice(STARTS).encode() if rng.random() < 0.2 else PLAIN[:begin]
        yield start + xml + rng.choice((b"", b"\n", b"\n", b"\n", b"<!-- c -->"))


def test_it_is_the_parsers_form_or_none() -> None:
    same = others = refused = 0
    for xml in documents(seed=20260304, number=2000):
        expected = by_lxml(xml)
        found = canonical_source(xml) if expected is not None else None
        if found is None:
            others += expected is not None
            refused += expected is None
            continue
        assert found.text[found.begin : found.end] == expected, xml
        same += 1
    assert min(same, others, refused) > 100


def test_its_pieces_are_the_parsers_form_with_the_extensions_in_place_too() -> None:
    same = others = stamped = 0
    for xml in documents(seed=20260306, number=2000):
        expected = by_lxml(xml)
        if expected is None:
            continue
        pieces = canonical_pieces(xml)
        others += pieces is None
        if pieces is not None:
            assert b"".join(pieces) == expected, xml
            same += 1
            stamped += STAMP in xml
    assert min(same, others, stamped) > 100


def test_leaving_the_extensions_out_changes_neither_form_nor_readability() -> None:
    left_out = refused = facts = 0
    for xml in documents(seed=20260305, number=2000):
        shorter = without_extensions(xml)
        left_out += shorter != xml
        expected = by_lxml(xml)
        assert by_lxml(shorter) == expected, xml
        refused += expected is None and shorter != xml
        if expected is None:
            with pytest.raises(KhatmError):
                invoice_hash(xml)
        else:
            assert invoice_hash(xml) == hash_text(expected)
            facts += tells_the_same(xml, expected)
    assert min(left_out, refused, facts) > 50


def tells_the_same(xml: bytes, expected: bytes) -> bool:
    """Hold the facts to those of the bare document; whether there are any."""
    try:
        found = read_canonical(xml)
    except MissingElement:
        return False
    assert found.facts == read_facts(parse(expected).getroot()), xml
    assert found.head + found.body + found.tail == expected
    return True


def long_document(line: bytes = b"", at: int = 0, short: bytes = PLAIN) -> bytes:
    """An invoice with 600 lines; `line` is put before one of them."""
    begin, end = short.index(b"<cac:InvoiceLine>"), short.rindex(b"</cac:InvoiceLine>") + len(b"</cac:InvoiceLine>")
    lines = [short[begin:end]] * 600
    return short[:begin] + b"".join(lines[:at]) + line + b"".join(lines[at:]) + short[end:]


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("at", [0, 300, 600])
def test_a_long_document_is_read_as_a_short_one(line: bytes, at: int) -> None:
    xml = long_document(line, at)
    expected = by_lxml(xml)
    if expected is None:
        with pytest.raises(UnreadableXml) as told:
            parse(xml)
        with pytest.raises(UnreadableXml) as found:
            read_canonical(xml)
        assert found.value.facts() == told.value.facts()
    else:
        invoice = read_canonical(xml)
        assert invoice.head + invoice.body + invoice.tail == expected
        assert invoice.tail.startswith(b"<cac:AccountingSupplierParty>\n")
        assert invoice.facts == read_canonical(PLAIN).facts
        assert invoice_hash(xml) == hash_text(expected)


def test_what_stands_between_the_lines_of_a_long_document_is_read_too() -> None:
    xml = long_document()
    end_tag = b"</cac:AccountingSupplierParty>"
    begin, end = xml.index(b"<cac:AccountingSupplierParty>"), xml.index(end_tag) + len(end_tag)
    supplier, without = xml[begin:end], xml[:begin] + xml[end:]
    line = b"<cac:InvoiceLine>"
    for place in (without.index(line, len(without) // 2), without.rindex(line)):
        moved = without[:place] + supplier + without[place:]
        assert read_canonical(moved).facts == read_canonical(PLAIN).facts
        assert verify(moved).facts == read_canonical(PLAIN).facts


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("at", [0, 300, 600])
def test_a_long_document_is_verified_as_its_tree(line: bytes, at: int) -> None:
    xml = long_document(line, at, SIGNED)
    try:
        expected = verify_tree(parse(xml))
    except UnreadableXml as told:
        with pytest.raises(UnreadableXml) as found:
            verify(xml)
        assert found.value.facts() == told.facts()
    else:
        found_now = verify(xml)
        assert found_now.canonical == expected.canonical
        assert found_now._replace(pieces=()) == expected._replace(pieces=())


def test_a_part_of_the_stamp_inside_a_name_is_no_part_of_the_name() -> None:
    name = b"<cbc:RegistrationName>"
    for part in (QR, SIGNATURE, STAMP):
        assert read_canonical(PLAIN.replace(name, name + part, 1)).facts == read_canonical(PLAIN).facts
