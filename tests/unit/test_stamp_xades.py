"""Stamping foreign and odd documents, refusals, and the check of every stamp. Source: stamp standard 4 and 5."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from khatm.clock import SAUDI
from khatm.document.errors import UnreadableXml
from khatm.stamp import keys, qr, xades
from khatm.stamp.canonical import invoice_hash, read_canonical
from khatm.stamp.certificate import Certificate, read_certificate
from khatm.stamp.errors import (
    ExpiredCertificate,
    ForeignCertificate,
    MissingElement,
    NotCanonical,
    StampSelfCheck,
    UtcIssueTime,
)
from khatm.stamp.signers import FileSigner
from khatm.stamp.verify import verify
from khatm.stamp.xades import stamp
from tests.vectors.entries import key, read

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
KEY = keys.load_key(key("egs")["sec1_pem"].encode())
CERTIFICATE = read_certificate(read("certificates/own-pcsid-en.der"))
SIGNER = FileSigner(KEY, CERTIFICATE)
PLAIN = read("unsigned/simplified-invoice.xml")
STANDARD = read("unsigned/standard-invoice.xml")
NOW = datetime(2026, 3, 1, 12, 0, 5, tzinfo=SAUDI)


EXT = b' xmlns:ext="urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2"'
OTHER_PREFIXES = (
    PLAIN.replace(b"cac:", b"a:").replace(b":cac=", b":a=").replace(b"cbc:", b"b:").replace(b":cbc=", b":b=")
)


@pytest.mark.parametrize(
    ("xml", "declared"),
    [(PLAIN.replace(EXT, b""), [b"ext"]), (OTHER_PREFIXES, [b"cac", b"cbc"]), (PLAIN, [])],
)
def test_the_root_is_not_touched_where_prefixes_are_missing(xml: bytes, declared: list[bytes]) -> None:
    """Without xmlns:ext on the root, or with other prefixes, the inserted elements declare what they need."""
    stamped = stamp(read_canonical(xml), SIGNER, NOW)
    assert stamped.invoice_hash == invoice_hash(xml)
    result = verify(stamped.xml)
    assert result.failing == []
    assert result.stamped and result.qr is not None
    for inserted in (b"<ext:UBLExtensions", b"<cac:Signature"):
        start = stamped.xml.index(inserted)
        tag = stamped.xml[start : stamped.xml.index(b">", start)]
        assert [prefix for prefix in (b"ext", b"cac", b"cbc") if b" xmlns:" + prefix + b"=" in tag] == declared


def test_a_foreign_meaning_of_a_prefix_does_no_harm() -> None:
    xml = PLAIN.replace(
        b'xmlns:ext="urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2"',
        b'xmlns:ext="urn:other"',
    )
    stamped = stamp(read_canonical(xml), SIGNER, NOW)
    root = etree.fromstring(stamped.xml)
    assert root[0].tag == "{urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2}UBLExtensions"
    assert verify(stamped.xml).failing == []


def test_stamping_again_replaces_the_stamp() -> None:
    first = stamp(read_canonical(PLAIN), SIGNER, NOW)
    again = stamp(read_canonical(first.xml), SIGNER, NOW)
    assert again.xml == first.xml
    other = stamp(read_canonical(first.xml), SIGNER, NOW + timedelta(seconds=1))
    assert other.xml != first.xml
    assert other.invoice_hash == first.invoice_hash


def test_standard_documents_carry_eight_tags() -> None:
    stamped = stamp(read_canonical(STANDARD), SIGNER, NOW)
    assert [tag for tag, _ in qr.decode(stamped.qr).items] == list(range(1, 9))
    assert [tag for tag, _ in qr.decode(stamp(read_canonical(PLAIN), SIGNER, NOW).qr).items] == list(range(1, 10))


def test_the_signing_time_is_saudi_time() -> None:
    moment = datetime(2026, 1, 31, 22, 30, 0, 999999, tzinfo=UTC)
    stamped = stamp(read_canonical(PLAIN), SIGNER, moment)
    assert stamped.signing_time == "2026-02-01T01:30:00"
    assert b"<xades:SigningTime>2026-02-01T01:30:00</xades:SigningTime>" in stamped.xml
    with pytest.raises(ValueError, match="without a zone"):
        stamp(read_canonical(PLAIN), SIGNER, moment.replace(tzinfo=None))


def test_utc_issue_times_are_refused_unless_told() -> None:
    xml = PLAIN.replace(b"<cbc:IssueTime>09:30:05<", b"<cbc:IssueTime>21:30:05Z<")
    with pytest.raises(UtcIssueTime, match="21:30:05Z"):
        stamp(read_canonical(xml), SIGNER, NOW)
    stamped = stamp(read_canonical(xml), SIGNER, NOW, allow_utc_issue_time=True)
    assert qr.decode(stamped.qr).text(3) == "2026-01-16T00:30:05"
    assert verify(stamped.xml).failing == []
    broken = PLAIN.replace(b"<cbc:IssueTime>09:30:05<", b"<cbc:IssueTime>99:99:99Z<")
    with pytest.raises(UtcIssueTime):
        stamp(read_canonical(broken), SIGNER, NOW, allow_utc_issue_time=True)


def test_long_names_warn_and_may_be_written_plain() -> None:
    xml = read("unsigned/long-name.xml")
    assert stamp(read_canonical(xml), SIGNER, NOW).warnings == ("qr-name-long",)
    assert stamp(read_canonical(PLAIN), SIGNER, NOW).warnings == ()
    plain = stamp(read_canonical(xml), SIGNER, NOW, plain_qr_lengths=True)
    assert qr.decode(plain.qr).lengths == "plain"
    assert verify(plain.xml).failing == ["qr_tlv"]


def test_a_key_of_another_certificate_is_refused() -> None:
    other = keys.load_key(key("egs-2")["sec1_pem"].encode())
    with pytest.raises(ForeignCertificate) as caught:
        FileSigner(other, CERTIFICATE)
    assert str(CERTIFICATE.serial_number) in caught.value.sentence("en")
    assert CERTIFICATE.common_name in caught.value.sentence("ar")
    stamped = stamp(read_canonical(PLAIN), FileSigner(other, CERTIFICATE, allow_foreign_certificate=True), NOW)
    assert verify(stamped.xml).failing == ["signature_value"]


def test_an_expired_certificate_is_refused() -> None:
    last = CERTIFICATE.not_after
    stamp(read_canonical(PLAIN), SIGNER, last)
    with pytest.raises(ExpiredCertificate, match="Renew") as caught:
        stamp(read_canonical(PLAIN), SIGNER, last + timedelta(seconds=1))
    assert caught.value.not_after.startswith("2031-01-14T12:00:00")


class Device:
    """A signer outside of this process, which may be wrong."""

    def __init__(
        self, certificate: Certificate = CERTIFICATE, *, high_s: bool = False, wrong_digest: bool = False
    ) -> None:
        self.certificate = certificate
        self.point = certificate.point
        self._high_s, self._wrong_digest = high_s, wrong_digest

    def sign(self, digest: bytes) -> bytes:
        if self._wrong_digest:
            digest = hashlib.sha256(digest).digest()
        algorithm = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
        r, s = utils.decode_dss_signature(KEY.sign(digest, algorithm))
        low, high = min(s, ORDER - s), max(s, ORDER - s)
        return utils.encode_dss_signature(r, high if self._high_s else low)


def test_a_device_may_give_high_s() -> None:
    stamped = stamp(read_canonical(PLAIN), Device(high_s=True), NOW)
    assert verify(stamped.xml).failing == []


def test_a_wrong_signature_never_leaves() -> None:
    with pytest.raises(StampSelfCheck) as caught:
        stamp(read_canonical(PLAIN), Device(wrong_digest=True), NOW)
    assert caught.value.check == "signature_value"
    assert caught.value.exit_code == 70


def test_a_wrong_qr_code_never_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    encode = qr.encode

    def wrong(items: list[tuple[int, bytes]], *, lengths: qr.LengthForm) -> str:
        return encode([(tag, b"0.00" if tag == 4 else value) for tag, value in items], lengths=lengths)

    monkeypatch.setattr(xades.qr, "encode", wrong)
    with pytest.raises(StampSelfCheck) as caught:
        stamp(read_canonical(PLAIN), SIGNER, NOW)
    assert caught.value.check == "qr_4"
    assert "115.00" in caught.value.expected and "0.00" in caught.value.found


def test_values_of_the_certificate_are_escaped() -> None:
    """An issuer text with markup characters stands escaped in the document and verifies."""
    odd = replace(CERTIFICATE, issuer_name="CN=A & B <C>", der=CERTIFICATE.der + b"\x00")
    stamped = stamp(read_canonical(PLAIN), Device(odd), NOW)
    assert b"<ds:X509IssuerName>CN=A &amp; B &lt;C&gt;</ds:X509IssuerName>" in stamped.xml
    result = verify(stamped.xml)
    assert result.checks["signed_properties_digest"].passed
    assert result.failing == ["issuer_name"]


def test_signers_show_no_key() -> None:
    assert "FileSigner" in repr(SIGNER)
    assert key("egs")["d_hex"] not in repr(SIGNER)


FRAGMENTS = [
    b"<!-- c -->",
    b"<?p <cac:AccountingSupplierParty>?>",
    b"<cac:Signature/>",
    b"<ext:UBLExtensions>x</ext:UBLExtensions>",
    b"<cac:AdditionalDocumentReference><cbc:ID>QR</cbc:ID></cac:AdditionalDocumentReference>",
    b"<cac:AccountingSupplierParty><a/></cac:AccountingSupplierParty>",
    b"&gt;&#13;",
    b"<![CDATA[<a>&]]>",
    b" \n\t",
    b'<b xmlns="urn:u" xmlns:cac="urn:v" c=">\'"/>',
]
PLACES = [place + 1 for place, octet in enumerate(PLAIN) if octet == 0x3E]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(FRAGMENTS)), min_size=1, max_size=3))
def test_odd_documents_are_stamped_rightly_or_refused(insertions: list[tuple[int, bytes]]) -> None:
    """Whatever stands in the source: the stamped document keeps the source's hash and passes every check."""
    xml = PLAIN
    for place, fragment in sorted(insertions, reverse=True):
        xml = xml[:place] + fragment + xml[place:]
    try:
        stamped = stamp(read_canonical(xml), SIGNER, NOW)
    except (UnreadableXml, MissingElement, NotCanonical):
        return
    assert stamped.invoice_hash == invoice_hash(xml) == invoice_hash(stamped.xml)
    assert verify(stamped.xml).failing == []
