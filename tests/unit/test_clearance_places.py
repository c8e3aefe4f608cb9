"""Where clearance cuts a document's bytes: whatever the spelling, all but the stamp's parts stays as it came."""

import random
import re

import pytest

from khatm.document.errors import UnreadableXml
from khatm.document.xml import parse
from khatm.simulator.errors import UnclearableDocument
from khatm.simulator.splice import Places, find_places, utf8_source, walked_places
from khatm.simulator.usual_splice import Unusual, usual_parts
from tests.stamp_vectors import documents

INVOICE = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
EXT = "urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2"
ROOT = f'<Invoice xmlns="{INVOICE}" xmlns:cac="{CAC}" xmlns:cbc="{CBC}" xmlns:ext="{EXT}">'
SUPPLIER = "<cac:AccountingSupplierParty><cac:Party/></cac:AccountingSupplierParty>"
QR = "<cac:AdditionalDocumentReference><cbc:ID>QR</cbc:ID></cac:AdditionalDocumentReference>"
ICV = "<cac:AdditionalDocumentReference><cbc:ID>ICV</cbc:ID></cac:AdditionalDocumentReference>"


def cut(xml: str) -> tuple[str, str, str]:
    places = find_places(xml.encode())
    return places.head.decode(), places.body.decode(), places.tail.decode()


def test_unstamped_document_is_cut_in_three_and_keeps_every_byte() -> None:
    xml = f'<?xml version="1.0"?>\r\n{ROOT}\r\n <cbc:ID>1</cbc:ID>\r\n {ICV}\r\n {SUPPLIER}\r\n</Invoice>\r\n'
    assert cut(xml) == (
        f'<?xml version="1.0"?>\r\n{ROOT}',
        f"\r\n <cbc:ID>1</cbc:ID>\r\n {ICV}\r\n ",
        f"{SUPPLIER}\r\n</Invoice>\r\n",
    )


@pytest.mark.parametrize(
    ("present", "left"),
    [
        ("<ext:UBLExtensions><a>></a></ext:UBLExtensions>\n ", "\n "),
        ("<ext:UBLExtensions/>\n ", "\n "),
        ('<ext:UBLExtensions  a="/>" />', ""),
        ('<ext:UBLExtensions a="/>" ></ext:UBLExtensions\n>', ""),
        (" <e:UBLExtensions xmlns:e='" + EXT + "'><![CDATA[</e:UBLExtensions>]]></e:UBLExtensions> ", "  "),
        (f"\t{QR}\n<cac:Signature>x</cac:Signature>", "\t\n"),
        (QR.replace("QR", " Q<!-- -->R\n"), ""),
        (QR.replace("QR", "&#81;R"), ""),
        (QR.replace("QR", "<![CDATA[QR]]>"), ""),
        (QR + QR, ""),
        (ICV, ICV),
        (QR.replace("QR", "QRS"), QR.replace("QR", "QRS")),
        (f"<!-- {QR} -->", f"<!-- {QR} -->"),
        ("<cac:Signature><cac:Signature/></cac:Signature>", ""),
    ],
)
def test_parts_that_are_there_go_and_the_text_around_them_stays(present: str, left: str) -> None:
    assert cut(f"{ROOT}{present}{SUPPLIER}</Invoice>") == (ROOT, left, f"{SUPPLIER}</Invoice>")


def test_part_inside_a_part_goes_once() -> None:
    nested = (
        f"<cac:AdditionalDocumentReference><cac:Signature/><cbc:ID>QR</cbc:ID>{QR}</cac:AdditionalDocumentReference>"
    )
    assert cut(f"{ROOT}a{nested}b{SUPPLIER}</Invoice>")[1] == "ab"


def test_parts_after_the_supplier_go_too() -> None:
    xml = f"{ROOT}{SUPPLIER}<cac:Signature/>\n{QR}\n<ext:UBLExtensions/></Invoice>"
    assert cut(xml) == (ROOT, "", f"{SUPPLIER}\n\n</Invoice>")


def test_supplier_inside_another_element_is_not_the_place() -> None:
    inner = f"<cac:X>{SUPPLIER}</cac:X>"
    assert cut(f"{ROOT}{inner}{SUPPLIER}</Invoice>")[1] == inner


def test_bare_greater_than_sign_inside_a_value_does_not_end_the_root_tag() -> None:
    root = ROOT.replace("<Invoice ", "<Invoice xmlns:n='urn:\">' a=\"'>\" ")
    assert cut(f"{root}{SUPPLIER}</Invoice>")[0] == root


def test_prefixes_that_the_root_does_not_bind_are_named() -> None:
    xml = (
        f'<i:Invoice xmlns:i="{INVOICE}" xmlns:c="{CAC}" xmlns:ext="urn:other"><c:AccountingSupplierParty/></i:Invoice>'
    )
    assert find_places(xml.encode()).unbound == {"ext", "cac", "cbc"}
    assert find_places(f"{ROOT}{SUPPLIER}</Invoice>".encode()).unbound == frozenset()


@pytest.mark.parametrize(
    ("encoded", "declared"),
    [
        ("utf-16", 'encoding="UTF-16"'),
        ("utf-16-le", 'encoding="UTF-16"'),
        ("utf-16-be", "encoding='utf-16'"),
        ("cp1256", 'encoding="windows-1256"'),
    ],
)
def test_other_encodings_become_utf_8_and_say_so(encoded: str, declared: str) -> None:
    xml = f'<?xml version="1.0" {declared} standalone="yes"?>{ROOT}<cbc:ID>فاتورة</cbc:ID>{SUPPLIER}</Invoice>'
    quote = declared[-1]
    expected = xml.replace(declared, f"encoding={quote}UTF-8{quote}")
    assert utf8_source(xml.encode(encoded)).decode() == expected
    assert joined(find_places(xml.encode(encoded))) == expected


@pytest.mark.parametrize("declaration", ["", '<?xml version="1.0"?>', "<?xml version='1.0' encoding='utf-8'?>"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_utf_8_stays_as_it_came(declaration: str, mark: str) -> None:
    xml = f"{mark}{declaration}{ROOT}<cbc:ID>فاتورة</cbc:ID>{SUPPLIER}</Invoice>".encode()
    assert joined(find_places(xml)).encode() == xml


@pytest.mark.parametrize(
    "xml",
    [
        f"{ROOT}</Invoice>".encode(),
        f'<CreditNote xmlns:cac="{CAC}">{SUPPLIER}</CreditNote>'.encode(),
        b"",
        b"<Invoice",
        b'<?xml version="1.0" encoding="klingon"?><Invoice/>',
        b"\xff\xfe<",
    ],
)
def test_document_without_a_place_is_refused_with_a_reason(xml: bytes) -> None:
    with pytest.raises(UnclearableDocument) as refusal:
        find_places(xml)
    assert refusal.value.missing
    assert refusal.value.missing in refusal.value.sentence("en")
    assert refusal.value.missing in refusal.value.sentence("ar")


SNIPPETS = [
    *(b"<!-- x -->", b"<?x y?>", b"<![CDATA[>]]>", b">", b"/>", b"QR", b"Signature", b"&#81;", b" xmlns:cac='urn:x'"),
    *(b" xmlns:c='%b'" % CAC.encode(), b"<cac:X>", b"</cac:X>", b"<cac:X/>", b" a='/>'", b" a='<'", b"\r\n"),
    *(
        b"<cac:Signature>",
        b"</cac:Signature>",
        b"<cac:Signature/>",
        b"<ext:UBLExtensions/>",
        b"<Signature></Signature>",
    ),
    *(b"<cbc:ID>QR</cbc:ID>", b"<cbc:ID a='>'>QR</cbc:ID>", QR.encode(), ICV.encode(), SUPPLIER.encode()),
]


def edited(xml: bytes, draw: random.Random) -> bytes:
    """A document with a few pieces put in, repeated, moved or taken out, mostly where a tag begins or ends."""
    for _ in range(draw.randint(1, 3)):
        cuts = [
            0,
            *(each.end() for each in re.finditer(rb"[<>](?=.)|(?<=\w)(?=[>/ ])|(?=<)", xml, re.DOTALL)),
            len(xml),
        ]
        first, second = sorted(draw.choices(cuts, k=2))
        piece = xml[first : min(second, first + 2000)]
        snippet = draw.choice([*SNIPPETS, piece])
        kept = draw.choice([piece, piece, b""])
        xml = xml[:first] + snippet + kept + xml[first + len(piece) :]
    return xml


def test_the_search_finds_what_the_walk_finds_or_nothing() -> None:
    """Documents as they are, and edited ones as far as they are well-formed."""
    draw = random.Random(1)
    usual, well_formed = 0, 0
    plain = [vector.xml for vector in documents("own")]
    for xml in [*plain, *(edited(draw.choice(plain), draw) for _ in range(3000))]:
        try:
            parse(xml)
        except UnreadableXml:
            continue
        well_formed += 1
        try:
            parts = usual_parts(xml)
        except Unusual:
            continue
        usual += 1
        assert Places(*parts, unbound=frozenset()) == walked_places(xml)
    assert usual > 100
    assert well_formed > usual + 100


def joined(places: Places) -> str:
    return (places.head + places.body + places.tail).decode()
