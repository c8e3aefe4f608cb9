"""The canonical form of foreign XML and where it is cut. Source: stamp standard 3 and 4.5; expectations by lxml on
documents that need no removal, or written out by hand."""

import hashlib
from base64 import b64encode

import pytest
from lxml import etree

from khatm.document.errors import UnreadableXml
from khatm.document.xml import parse
from khatm.stamp.canonical import canonicalise, hash_text, invoice_hash, read_canonical, without_stamp
from khatm.stamp.errors import MissingElement, NotCanonical
from tests.vectors.entries import read

PLAIN = read("unsigned/simplified-invoice.xml")
SUPPLIER = b"<cac:AccountingSupplierParty>"


def plain_hash(xml: bytes) -> str:
    """The hash of a document without a stamp, by lxml alone."""
    tree = etree.ElementTree(etree.fromstring(xml))
    return b64encode(hashlib.sha256(etree.tostring(tree, method="c14n", with_comments=False)).digest()).decode()


def whole(xml: bytes) -> bytes:
    invoice = read_canonical(xml)
    return invoice.head + invoice.body + invoice.tail


def test_cut_at_the_two_places() -> None:
    invoice = read_canonical(PLAIN)
    assert invoice.head.startswith(b"<Invoice ") and invoice.head.endswith(b">") and invoice.head.count(b"<") == 1
    assert invoice.tail.startswith(SUPPLIER)
    assert SUPPLIER not in invoice.head + invoice.body
    assert invoice_hash(PLAIN) == plain_hash(PLAIN)


def test_facts_are_verbatim() -> None:
    facts = read_canonical(PLAIN).facts
    assert facts.seller_name == "مؤسسة ختم التجريبية & Khatm Test Est."
    assert (facts.vat_number, facts.issue_date, facts.issue_time) == ("310123456700003", "2026-01-15", "09:30:05")
    assert (facts.payable, facts.vat_total) == ("115.00", "15.00")
    assert (facts.simplified, facts.type_code, facts.transaction_code, facts.icv) == (True, "388", "0200000", "1")


@pytest.mark.parametrize("value", [b"a>b", b"x>y>z", b"it's > that"])
def test_a_bare_angle_bracket_in_the_root_start_tag(value: bytes) -> None:
    """In canonical XML a > in an attribute value stays as it is; the end of the start tag is a later one."""
    xml = PLAIN.replace(b"<Invoice ", b'<Invoice note="%s" ' % value, 1)
    head = read_canonical(xml).head
    assert b'note="%s"' % value in head
    assert head.endswith(b'">')
    assert whole(xml) == etree.tostring(etree.ElementTree(etree.fromstring(xml)), method="c14n", with_comments=False)


def test_processing_instructions_before_the_root() -> None:
    xml = PLAIN.replace(b"<Invoice ", b'<?one a="1>"?><?two <Invoice>?><Invoice ', 1)
    invoice = read_canonical(xml)
    assert invoice.head.startswith(b'<?one a="1>"?>\n<?two <Invoice>?>\n<Invoice ')
    assert invoice_hash(xml) == plain_hash(xml)


@pytest.mark.parametrize(
    "decoy",
    [
        pytest.param(b"<?note <cac:AccountingSupplierParty>?>", id="in a processing instruction"),
        pytest.param(
            b"<cac:BillingReference><cac:AccountingSupplierParty></cac:AccountingSupplierParty></cac:BillingReference>",
            id="nested",
        ),
        pytest.param(b"<cac:AccountingSupplierPartyX></cac:AccountingSupplierPartyX>", id="longer name"),
        pytest.param(b"<cbc:Note>&lt;cac:AccountingSupplierParty></cbc:Note>", id="in text"),
        pytest.param(b"<!-- <cac:AccountingSupplierParty> -->", id="in a comment"),
        pytest.param(b"<![CDATA[<cac:AccountingSupplierParty>]]>", id="in CDATA"),
    ],
)
def test_the_supplier_is_the_roots_own(decoy: bytes) -> None:
    place = b"<cac:AdditionalDocumentReference>"
    xml = PLAIN.replace(place, decoy + place, 1)
    invoice = read_canonical(xml)
    assert invoice.tail == read_canonical(PLAIN).tail
    assert invoice_hash(xml) == plain_hash(xml)


def test_only_the_elements_go_and_the_text_around_them_stays() -> None:
    parts = (
        b"<ext:UBLExtensions><x/></ext:UBLExtensions>",
        b"<cac:Signature><cbc:ID>s</cbc:ID></cac:Signature>",
        b"<cac:AdditionalDocumentReference><cbc:ID> QR\n</cbc:ID></cac:AdditionalDocumentReference>",
    )
    place = b"<cbc:ProfileID>"
    with_parts = PLAIN.replace(place, b" before " + b" between ".join(parts) + b" after " + place, 1)
    without = PLAIN.replace(place, b" before " + b" between " * 2 + b" after " + place, 1)
    assert invoice_hash(with_parts) == plain_hash(without)
    nested = PLAIN.replace(b"<cac:Party>", b"<cac:Party>A" + parts[1] + b"B", 1)
    assert invoice_hash(nested) == plain_hash(PLAIN.replace(b"<cac:Party>", b"<cac:Party>AB", 1))


def test_a_reference_that_becomes_the_qr_codes_goes_too() -> None:
    """Hashing what is left over finds nothing more to remove."""
    inside = b"<cbc:ID><cac:Signature>x</cac:Signature>QR</cbc:ID>"
    odd = b"<cac:AdditionalDocumentReference>%s</cac:AdditionalDocumentReference>" % inside
    xml = PLAIN.replace(SUPPLIER, odd + SUPPLIER, 1)
    assert invoice_hash(xml) == invoice_hash(PLAIN) == invoice_hash(whole(xml))


def test_other_references_stay() -> None:
    for name in (b"qr", b"QR2", b"PIH"):
        other = b"<cac:AdditionalDocumentReference><cbc:ID>%s</cbc:ID></cac:AdditionalDocumentReference>" % name
        xml = PLAIN.replace(SUPPLIER, other + SUPPLIER, 1)
        assert invoice_hash(xml) == plain_hash(xml)


def test_other_prefixes_are_read() -> None:
    """Some write the same document with other prefixes."""
    xml = PLAIN.replace(b"cac:", b"a:").replace(b":cac=", b":a=").replace(b"cbc:", b"b:").replace(b":cbc=", b":b=")
    invoice = read_canonical(xml)
    assert invoice.facts == read_canonical(PLAIN).facts
    assert invoice.tail.startswith(b"<a:AccountingSupplierParty>")
    assert invoice_hash(xml) == plain_hash(xml)


def test_a_comment_inside_a_value_does_not_cut_it() -> None:
    xml = PLAIN.replace(b">115.00</cbc:PayableAmount>", b">115<!-- c -->.00</cbc:PayableAmount>", 1)
    assert xml != PLAIN
    assert read_canonical(xml).facts.payable == "115.00"
    assert invoice_hash(xml) == invoice_hash(PLAIN)


def removed(start: bytes, end: bytes) -> bytes:
    first = PLAIN.index(start)
    return PLAIN[:first] + PLAIN[PLAIN.index(end, first) + len(end) :]


@pytest.mark.parametrize(
    ("xml", "element"),
    [
        (removed(SUPPLIER, b"</cac:AccountingSupplierParty>"), "cac:AccountingSupplierParty"),
        (removed(b"<cbc:IssueTime>", b"</cbc:IssueTime>"), "cbc:IssueTime"),
        (removed(b"<cbc:IssueDate>", b"</cbc:IssueDate>"), "cbc:IssueDate"),
        (removed(b"<cbc:InvoiceTypeCode", b"</cbc:InvoiceTypeCode>"), "cbc:InvoiceTypeCode"),
        (removed(b"<cbc:RegistrationName>", b"</cbc:RegistrationName>"), "RegistrationName"),
        (removed(b"<cbc:CompanyID>", b"</cbc:CompanyID>"), "CompanyID"),
        (removed(b"<cac:LegalMonetaryTotal>", b"</cac:LegalMonetaryTotal>"), "PayableAmount"),
        (b"<a/>", "Invoice"),
        (b"<Invoice/>", "Invoice"),
    ],
)
def test_what_is_missing_is_named(xml: bytes, element: str) -> None:
    with pytest.raises(MissingElement) as caught:
        read_canonical(xml)
    assert element in caught.value.element
    assert caught.value.element in caught.value.sentence("en") and caught.value.element in caught.value.sentence("ar")


def test_relative_namespaces_have_no_canonical_form() -> None:
    xml = PLAIN.replace(b"<Invoice ", b'<Invoice xmlns:odd="odd/relative" ', 1)
    with pytest.raises(NotCanonical):
        invoice_hash(xml)


def test_hostile_xml_is_refused() -> None:
    for xml in (b"", b"<a", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"<a>" * 10_000):
        with pytest.raises(UnreadableXml):
            invoice_hash(xml)


def test_much_to_take_out_gives_the_same_canonical_form() -> None:
    """A thousand elements come out by way of a copy; what stands before and behind the document element stays."""
    stuffed = b"<ext:UBLExtensions>" + b"<cbc:ID/>" * 1000 + b"</ext:UBLExtensions>"
    framed = b"<?before?>" + PLAIN[PLAIN.index(b"<Invoice") :] + b"<?behind?>"
    start = framed.index(b">", framed.index(b"<Invoice")) + 1
    xml = framed[:start] + stuffed + framed[start:]
    tree = parse(xml)
    held = list(tree.getroot().iter())
    assert hash_text(canonicalise(without_stamp(tree))) == invoice_hash(xml) == plain_hash(framed)
    assert len(list(tree.getroot().iter())) == len(held)
