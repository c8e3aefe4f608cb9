"""What clearance makes of a document: the platform's stamp in the standard's form, everything else untouched."""

import base64
import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from khatm.clock import SAUDI
from khatm.simulator.clearance import clear, read_unstamped
from khatm.simulator.splice import find_places
from khatm.stamp import curve
from khatm.stamp.canonical import invoice_hash
from khatm.stamp.certificate import Certificate, read_certificate
from khatm.stamp.signers import FileSigner
from khatm.stamp.verify import Verification, verify
from tests.stamp_vectors import FOLDER, VectorDocument, document, documents, file, key_scalar, vectors

AT = datetime(2026, 1, 15, 10, 40, 6, tzinfo=UTC)
"""13:40:06 in Riyadh."""
SPELLINGS = sorted(path.name for path in (FOLDER / "hash").glob("*.xml"))


def signer(key: str, certificate: Certificate) -> FileSigner:
    """A named key of the vectors; the certificate may be another's, as in the sandbox."""
    private = ec.derive_private_key(int.from_bytes(key_scalar(key), "big"), ec.SECP256K1())
    return FileSigner(private, certificate, allow_foreign_certificate=True)


@cache
def callers() -> Certificate:
    """The taxpayer's certificate; its key is `egs`."""
    return read_certificate(file("certificates/own-pcsid-en.der"))


def cleared_by_platform(xml: bytes) -> bytes:
    """Clear as simulation and production do: the embedded certificate is the stamping key's own."""
    return clear(xml, platform=signer("egs", callers()), certificate=callers(), at=AT)


def cleared_by_sandbox(xml: bytes) -> bytes:
    """Clear as the sandbox does: the platform's key, the caller's certificate."""
    return clear(xml, platform=signer("platform", callers()), certificate=callers(), at=AT)


def tags(verification: Verification) -> list[int]:
    """The tags of the QR code."""
    assert verification.qr is not None
    return [tag for tag, _ in verification.qr.items]


def test_platform_stamped_vector_comes_out_byte_for_byte() -> None:
    """The vector was made apart from this program, and like the sandbox: foreign key, eight tags."""
    expected = file("signed/standard-invoice.platform-stamp.xml")
    assert cleared_by_sandbox(expected) == expected
    assert cleared_by_sandbox(file("signed/standard-invoice.xml")) == expected


@pytest.mark.parametrize("vector", [*documents("own"), *documents("mutated")], ids=lambda each: each.name)
def test_cleared_vector_keeps_its_hash_and_verifies(vector: VectorDocument) -> None:
    cleared = cleared_by_platform(vector.xml)
    assert invoice_hash(cleared) == invoice_hash(vector.xml)
    verification = verify(cleared)
    # Tag 9 is asked of a simplified document only, and those are never cleared.
    assert [each for each in verification.failing if each != "qr_9"] == []
    assert tags(verification) == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("name", ["standard-invoice", "standard-credit-note", "standard-debit-note"])
@pytest.mark.parametrize("folder", ["signed", "unsigned"])
def test_every_check_passes_on_a_cleared_standard_document(name: str, folder: str) -> None:
    verification = verify(cleared_by_platform(file(f"{folder}/{name}.xml")))
    assert verification.failing == []
    assert verification.stamped
    assert verification.signing_time == "2026-01-15T13:40:06"
    assert verification.certificate == callers()


@pytest.mark.parametrize("name", ["standard-invoice", "standard-credit-note", "standard-debit-note"])
def test_only_the_signature_fails_on_a_document_cleared_by_the_sandbox(name: str) -> None:
    verification = verify(cleared_by_sandbox(document(name).xml))
    assert verification.failing == ["signature_value"]
    digest = hashlib.sha256(base64.b64decode(verification.invoice_hash)).digest()
    platform = signer("platform", callers())
    assert curve.verify(platform.point, digest, base64.b64decode(verification.signature_value or ""))


@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_keeps_its_hash(name: str) -> None:
    xml = file(f"hash/{name}")
    cleared = cleared_by_platform(xml)
    hashes = {each["file"].rpartition("/")[2]: each["invoice_hash"] for each in vectors()["hash_variants"]["cases"]}
    assert invoice_hash(cleared) == hashes[name]
    assert [each for each in verify(cleared).failing if each != "qr_9"] == []
    places = find_places(xml)
    assert find_places(cleared) == places, "all but the three parts is as it came"
    if name != "utf-16.xml" and b"UBLExtensions" not in xml and b">QR<" not in xml:
        assert places.head + places.body + places.tail == xml


def test_parts_stand_where_the_authority_puts_them() -> None:
    cleared = cleared_by_platform(file("unsigned/standard-invoice.xml"))
    assert b'CommonExtensionComponents-2"><ext:UBLExtensions>\n    <ext:UBLExtension>\n' in cleared
    assert b"</cac:AdditionalDocumentReference><cac:Signature>\n" in cleared
    assert b"</cac:Signature><cac:AccountingSupplierParty>" in cleared
    assert cleared.count(b"<cac:Signature>") == cleared.count(b"<ext:UBLExtensions>") == 1


def test_qr_repeats_the_document_in_eight_tags() -> None:
    xml = file("unsigned/standard-invoice.xml")
    verification = verify(cleared_by_platform(xml))
    assert verification.qr is not None
    vector = document("standard-invoice")
    expected = [
        "مؤسسة ختم التجريبية & Khatm Test Est.",
        "310123456700003",
        "2026-01-15T10:30:05",
        "115.00",
        "15.00",
        vector.invoice_hash,
        verification.signature_value,
    ]
    assert [value.decode() for tag, value in verification.qr.items if tag < 8] == expected
    assert verification.qr.value(8) == callers().spki
    assert len(callers().spki) == 88


def test_signing_time_is_saudi_time_whatever_the_zone() -> None:
    xml = file("unsigned/standard-invoice.xml")
    platform = signer("egs", callers())
    in_riyadh = clear(xml, platform=platform, certificate=callers(), at=AT.astimezone(SAUDI))
    assert in_riyadh == cleared_by_platform(xml)
    assert b"<xades:SigningTime>2026-01-15T13:40:06</xades:SigningTime>" in in_riyadh


def test_facts_of_an_examination_give_the_same_document() -> None:
    xml = file("unsigned/standard-invoice.xml")
    platform = signer("egs", callers())
    for source in (xml, find_places(xml)):
        for unstamped in (None, read_unstamped(xml)):
            spared = clear(source, platform=platform, certificate=callers(), at=AT, unstamped=unstamped)
            assert spared == cleared_by_platform(xml)


@pytest.mark.parametrize("old", ["ext", "cac", "cbc"])
def test_prefixes_that_the_root_does_not_bind_are_declared_on_the_parts(old: str) -> None:
    text = file("unsigned/standard-invoice.xml").decode()
    xml = text.replace(f"<{old}:", "<other:").replace(f"</{old}:", "</other:").replace(f"xmlns:{old}=", "xmlns:other=")
    cleared = cleared_by_platform(xml.encode())
    assert invoice_hash(cleared) == invoice_hash(xml.encode())
    assert verify(cleared).failing == []


def test_prefix_bound_to_another_name_is_bound_anew_on_the_parts() -> None:
    text = file("unsigned/standard-invoice.xml").decode()
    declared = 'xmlns:ext="urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2"'
    assert declared in text
    xml = text.replace(declared, 'xmlns:ext="urn:example:other"').encode()
    cleared = cleared_by_platform(xml)
    assert invoice_hash(cleared) == invoice_hash(xml)
    assert verify(cleared).failing == []


def test_clearing_again_replaces_the_stamp() -> None:
    once = cleared_by_platform(file("unsigned/standard-invoice.xml"))
    assert cleared_by_platform(once) == once


def test_long_seller_name_takes_a_long_length_octet() -> None:
    verification = verify(cleared_by_platform(file("unsigned/long-name.xml")))
    assert verification.qr is not None
    assert (verification.qr.lengths, len(verification.qr.items[0][1])) == ("ber", 138)


def test_official_standard_samples_keep_their_hash(shared_corpus: Path) -> None:
    samples = [path for path in (shared_corpus / "official").rglob("*.xml") if b'name="01' in path.read_bytes()]
    assert len(samples) > 30
    for path in samples:
        xml = path.read_bytes()
        cleared = cleared_by_platform(xml)
        assert invoice_hash(cleared) == invoice_hash(xml), path
        assert verify(cleared).failing == [], path
        assert find_places(cleared) == find_places(xml), path
