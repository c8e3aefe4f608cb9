"""Verification of hostile and broken documents: a result, never an exception. Source: stamp standard 4.3 and 6.1."""

import base64
import contextlib
import re
from datetime import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from khatm.clock import SAUDI
from khatm.document.errors import UnreadableXml
from khatm.stamp import keys, qr
from khatm.stamp.canonical import INITIAL_PIH, read_canonical
from khatm.stamp.certificate import read_certificate
from khatm.stamp.embedded import isolated_text
from khatm.stamp.signers import FileSigner
from khatm.stamp.verify import verify
from khatm.stamp.xades import stamp
from tests.vectors.entries import key, read

SIGNED = read("signed/simplified-invoice.xml")
STANDARD = read("signed/standard-invoice.xml")
XADES = "{http://uri.etsi.org/01903/v1.3.2#}"


def changed(pattern: bytes, replacement: bytes, xml: bytes = SIGNED) -> bytes:
    result, count = re.subn(pattern, lambda _: replacement, xml, count=1, flags=re.DOTALL)
    assert count == 1
    return result


def with_qr(items: list[tuple[int, bytes]], xml: bytes = SIGNED) -> bytes:
    return changed(rb'(?<=mimeCode="text/plain">)[^<]*(?=</cbc:EmbeddedDocumentBinaryObject>\s*</cac:Attachment>\s*'
                   rb"</cac:AdditionalDocumentReference><cac:Signature>)", qr.encode(items).encode(), xml)  # fmt: skip


def qr_items(xml: bytes = SIGNED) -> list[tuple[int, bytes]]:
    content = verify(xml).qr
    assert content is not None
    return list(content.items)


def element(name: bytes) -> bytes:
    return rb"<%s[ >].*?</%s>" % (name, name)


def part(pattern: bytes, xml: bytes = SIGNED) -> bytes:
    found = re.search(pattern, xml, re.DOTALL)
    assert found is not None
    return found[0]


def test_what_was_verified_is_returned() -> None:
    result = verify(SIGNED)
    assert result.passed and result.stamped
    assert result.certificate is not None and result.certificate.vat_number == "310123456700003"
    assert result.facts.payable == "115.00"
    assert result.signing_time == "2026-01-15T12:30:06"
    assert result.canonical.startswith(b"<Invoice ")
    assert all(check.expected for check in result.checks.values())


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("stamp_present", element(b"ds:Signature")),
        ("stamp_present", element(b"ext:UBLExtensions")),
        ("qr_present", rb"<cac:AdditionalDocumentReference>\s*<cbc:ID>QR<.*?</cac:AdditionalDocumentReference>"),
        ("cac_signature_present", element(b"cac:Signature")),
    ],
)
@pytest.mark.parametrize("xml", [SIGNED, STANDARD], ids=["simplified", "standard"])
def test_repeated_parts_are_rejected(name: str, pattern: bytes, xml: bytes) -> None:
    once = part(pattern, xml)
    result = verify(xml.replace(once, once + once, 1))
    assert name in result.failing
    assert result.checks[name].found == "2"


def test_standard_documents_need_no_stamp_and_no_presence_check() -> None:
    assert verify(read("unsigned/standard-invoice.xml")).checks == {}
    assert "stamp_present" not in verify(STANDARD).checks
    assert verify(read("unsigned/simplified-invoice.xml")).failing == [
        "stamp_present", "qr_present", "cac_signature_present",
    ]  # fmt: skip


def test_a_tag_9_on_a_standard_document_is_compared() -> None:
    items = qr_items(STANDARD)
    assert "qr_9" not in verify(STANDARD).checks
    certificate = verify(STANDARD).certificate
    assert certificate is not None
    assert verify(with_qr([*items, (9, certificate.signature)], STANDARD)).failing == []
    assert verify(with_qr([*items, (9, b"\x00")], STANDARD)).failing == ["qr_9"]


@pytest.mark.parametrize(
    ("name", "value", "failing"),
    [
        (b"ds:SignatureValue", b"", {"signature_value", "qr_7"}),
        (b"ds:SignatureValue", "توقيع".encode(), {"signature_value", "qr_7"}),
        (b"ds:SignatureValue", b"MAA=", {"signature_value", "qr_7"}),
        (b"ds:X509SerialNumber", b"12,5", {"serial_number", "signed_properties_digest"}),
        (b"ds:X509SerialNumber", b"9" * 5000, {"serial_number", "signed_properties_digest"}),
        (b"ds:X509SerialNumber", "٣٧٩".encode(), {"serial_number", "signed_properties_digest"}),
        (b"ds:X509IssuerName", b"", {"issuer_name", "signed_properties_digest"}),
        (b"xades:SigningTime", b"", {"signed_properties_digest"}),
    ],
)
def test_odd_values_fail_their_checks(name: bytes, value: bytes, failing: set[str]) -> None:
    xml = changed(rb"(?<=<%s>)[^<]*" % name, value)
    assert set(verify(xml).failing) == failing


@pytest.mark.parametrize("text", [b"", b"@@@", b"AAAA", base64.b64encode(b"\x30\x82\x01\x00" + b"\x00" * 256)])
def test_unreadable_certificates(text: bytes) -> None:
    result = verify(changed(rb"(?<=<ds:X509Certificate>)[^<]*", text))
    assert result.certificate is None
    expected = {"certificate_readable", "certificate_digest", "issuer_name", "serial_number", "signature_value",
                "qr_8", "qr_9"}  # fmt: skip
    assert set(result.failing) - {"certificate_single_line"} == expected


def test_a_certificate_on_another_curve_never_fits() -> None:
    """Its own signature may be right; the authority takes secp256k1 only."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    begin, end = datetime(2026, 1, 1), datetime(2027, 1, 1)  # noqa: DTZ001
    made = x509.CertificateBuilder(name, name, private.public_key(), 5, begin, end).sign(private, hashes.SHA256())
    text = base64.b64encode(made.public_bytes(serialization.Encoding.DER))
    result = verify(changed(rb"(?<=<ds:X509Certificate>)[^<]*", text))
    assert not result.checks["signature_value"].passed
    assert result.checks["signature_value"].found == "a key of the kind secp256r1"
    assert result.checks["certificate_readable"].passed


def test_each_missing_part_of_the_stamp_is_only_a_finding() -> None:
    for name in (b"ds:SignedInfo", b"ds:SignatureValue", b"ds:KeyInfo", b"ds:Object", b"xades:SignedProperties",
                 b"xades:SigningCertificate", b"xades:SigningTime", b"cbc:EmbeddedDocumentBinaryObject"):  # fmt: skip
        assert verify(changed(element(name), b"")).failing
    for name in (b"cac:AccountingSupplierParty", b"cac:TaxTotal", b"cac:LegalMonetaryTotal", b"cbc:IssueTime"):
        assert "invoice_digest" in verify(changed(element(name), b"")).failing


def test_comments_in_signed_properties_are_refused() -> None:
    """No source tells how they were serialised; elsewhere they do not count."""
    inside = SIGNED.replace(b"<xades:SigningTime>", b"<!-- c --><xades:SigningTime>")
    assert verify(inside).failing == ["signed_properties_digest"]
    assert verify(SIGNED.replace(b"<ds:KeyInfo>", b"<!-- c --><ds:KeyInfo>")).failing == []


def isolated(xml: str) -> str | None:
    found = etree.fromstring(xml).find(f".//{XADES}SignedProperties")
    assert found is not None
    return isolated_text(found)


def test_the_isolated_text() -> None:
    """Prefixes are declared where they are first needed, before other attributes; text is escaped; blanks stay."""
    value = '<d:V A="&quot;&lt;>">1 &lt; 2 &amp; 3</d:V>'
    inside = f'<x:SignedProperties Id="a">{value}\n <x:E/><x:F></x:F></x:SignedProperties>'
    declared = 'xmlns:x="http://uri.etsi.org/01903/v1.3.2#" xmlns:d="urn:d"'
    assert isolated(f"<r {declared}>{inside}tail</r>") == (
        '<x:SignedProperties xmlns:x="http://uri.etsi.org/01903/v1.3.2#" Id="a"><d:V xmlns:d="urn:d" '
        'A="&quot;&lt;&gt;">1 &lt; 2 &amp; 3</d:V>\n <x:E/><x:F/></x:SignedProperties>'
    )
    default = '<r><SignedProperties xmlns="http://uri.etsi.org/01903/v1.3.2#"><E/></SignedProperties></r>'
    assert isolated(default) == '<SignedProperties xmlns="http://uri.etsi.org/01903/v1.3.2#"><E/></SignedProperties>'
    assert isolated(f"<r {declared}><x:SignedProperties><!-- c --></x:SignedProperties></r>") is None


def test_signed_properties_are_isolated_as_they_are_written() -> None:
    """An element of the root's default namespace keeps its name, also where the document has to be canonicalised."""
    odd = SIGNED.replace(b"</xades:SigningTime>", b"</xades:SigningTime><Note></Note>", 1)
    written = changed(b"<cbc:ProfileID>", b"<!-- not canonical as it stands --><cbc:ProfileID>", odd)
    expected = verify(odd).checks["signed_properties_digest"].expected
    assert expected is not None
    assert expected != verify(SIGNED).checks["signed_properties_digest"].expected
    assert verify(written).checks["signed_properties_digest"].expected == expected


def test_the_sdks_way_of_comparing_with_a_configured_certificate() -> None:
    other = read_certificate(read("certificates/own-ccsid-en.der"))
    assert set(verify(SIGNED, certificate=other).failing) == {"issuer_name", "serial_number"}
    same = read_certificate(read("certificates/own-pcsid-en.der"))
    assert verify(SIGNED, certificate=same).failing == []


def test_previous_hash() -> None:
    assert "pih" not in verify(SIGNED).checks
    assert verify(SIGNED, pih=INITIAL_PIH + "\n").checks["pih"].passed
    assert verify(SIGNED, pih="other").failing == ["pih"]
    without = changed(rb"<cac:AdditionalDocumentReference>\s*<cbc:ID>PIH<.*?</cac:AdditionalDocumentReference>", b"")
    assert "pih" in verify(without, pih=INITIAL_PIH).failing


def test_warnings_of_what_is_tolerated() -> None:
    items = qr_items()
    assert verify(SIGNED).warnings == ()
    equal = with_qr([(tag, b"15.000" if tag == 5 else value) for tag, value in items])
    assert verify(equal).failing == ["qr_5"]
    assert verify(equal).warnings == ("qr-5-numerically-equal",)
    assert verify(read("mutated/long-name-plain-length.xml")).warnings == ("qr-plain-lengths",)
    assert verify(read("signed/long-name.xml")).warnings == ("qr-name-long",)


@pytest.mark.parametrize(
    ("tags", "fails"),
    [
        ([1, 2, 3, 4], True),
        ([1, 2, 3, 4, 5], False),
        ([1, 2, 3, 4, 6], True),
        ([1, 1, 2, 3, 4, 5], True),
        ([0, 1], True),
    ],
)
def test_tags_stand_in_order(tags: list[int], fails: bool) -> None:
    known = dict(qr_items())
    result = verify(with_qr([(tag, known.get(tag, b"")) for tag in tags]))
    assert ("qr_tlv" in result.failing) is fails


def test_unreadable_xml_is_the_only_error() -> None:
    for xml in (b"", b"<Invoice>", b"<!DOCTYPE a><a/>"):
        with pytest.raises(UnreadableXml):
            verify(xml)


@pytest.mark.parametrize("xml", [b"<a/>", b"<Invoice/>", SIGNED.replace(b"<Invoice ", b'<Invoice xmlns:r="rel" ', 1)])
def test_any_document_gives_a_result(xml: bytes) -> None:
    result = verify(xml, pih="x")
    assert "pih" in result.checks
    assert result.invoice_hash == "" or result.canonical


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.integers(0, len(SIGNED) - 1), st.binary(min_size=1, max_size=6))
def test_no_damage_raises_anything_else(place: int, put: bytes) -> None:
    with contextlib.suppress(UnreadableXml):
        verify(SIGNED[:place] + put + SIGNED[place + len(put) :])


STAMP_TEXTS = [b"ds:DigestValue", b"ds:SignatureValue", b"ds:X509Certificate", b"ds:X509SerialNumber",
               b"ds:X509IssuerName", b"cbc:EmbeddedDocumentBinaryObject", b"cbc:IssueTime"]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(STAMP_TEXTS), st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=60)
)
def test_no_text_in_the_stamp_raises_anything(name: bytes, text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").encode()
    verify(changed(rb"(?<=<%s>)[^<]*|(?<=<%s mimeCode=\"text/plain\">)[^<]*" % (name, name), escaped))


def test_two_units_do_not_pass_for_each_other() -> None:
    """A right stamp by one unit, moved onto the document of another, fails on the hash."""
    signer = FileSigner(
        keys.load_key(key("egs")["sec1_pem"].encode()), read_certificate(read("certificates/own-pcsid-en.der"))
    )
    other = stamp(read_canonical(read("unsigned/simplified-usd.xml")), signer, datetime(2026, 3, 1, tzinfo=SAUDI))
    moved = SIGNED.replace(part(element(b"ext:UBLExtensions")), part(element(b"ext:UBLExtensions"), other.xml))
    assert {"invoice_digest", "signature_value", "qr_7"} <= set(verify(moved).failing)
