"""The quick way of verifying our own form never says yes where the full way says no, and finds the same."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random

import pytest
from benchmarks.invoices import new_identity
from benchmarks.khatm_side import signer_of

from khatm.document.arithmetic import compute
from khatm.document.model import read_document
from khatm.document.writer import ChainPlace, write
from khatm.stamp.own_form import check, cut, rest_of_cleared
from khatm.stamp.signers import Signer
from khatm.stamp.verify import verify
from khatm.stamp.xades import stamp
from tests.authoring import random_document

VECTORS = Path(__file__).resolve().parents[1] / "data" / "stamp"
AT = datetime(2026, 3, 4, 9, 15, tzinfo=UTC)
PIH = "NWZlY2ViNjZmZmM4NmYzOGQ5NTI3ODZjNmQ2OTZjNzljMmRiYzIzOWRkNGU5MWI0NjcyOWQ3M2EyN2ZiNTdlOQ=="


@cache
def signer() -> Signer:
    return signer_of(new_identity())


@cache
def stamped(seed: int) -> bytes:
    document = compute(read_document(random_document(Random(seed))))
    return stamp(write(document, ChainPlace(f"0f5c-{seed}", seed + 1, PIH)), signer(), AT).xml


@pytest.mark.parametrize("seed", range(40))
def test_documents_of_ours_are_recognised_and_found_the_same(seed: int) -> None:
    xml = stamped(seed)
    checked, full = check(xml, signer().certificate), verify(xml)
    assert full.passed
    assert checked is not None
    assert (checked.canonical, checked.invoice_hash, checked.facts) == (full.canonical, full.invoice_hash, full.facts)
    assert rest_of_cleared(xml) == full.canonical


@pytest.mark.parametrize("folder", ["signed", "mutated"])
def test_it_says_yes_to_no_vector_that_fails(folder: str) -> None:
    """Documents of the authority's SDK and spoilt ones, each against its own certificate."""
    recognised = 0
    files = sorted((VECTORS / folder).rglob("*.xml"))
    assert files
    for path in files:
        xml = path.read_bytes()
        full = verify(xml)
        if full.certificate is None:
            continue
        checked = check(xml, full.certificate)
        if checked is not None:
            recognised += 1
            assert full.passed, path.name
            assert (checked.invoice_hash, checked.facts) == (full.invoice_hash, full.facts)
    assert recognised or folder == "mutated"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<?xml version", b"<?xml  version"),
        (b'encoding="UTF-8"?>\n', b'encoding="UTF-8"?>'),
        (b"<cbc:ProfileID>", b"<cbc:ProfileID >"),
        (b"<cbc:ProfileID>", b"<!-- --><cbc:ProfileID>"),
        (b"<cbc:ProfileID>", b"<?pi x?><cbc:ProfileID>"),
        (b"</Invoice>", b"</Invoice>\n"),
        (b"</Invoice>", b"<cac:Signature/></Invoice>"),
        (b"</Invoice>", b"<ext:UBLExtensions/></Invoice>"),
        (b"ds:Transforms>", b"ds:Transforms >"),
        (b"<cbc:ID>QR</cbc:ID>", b"<cbc:ID>QR </cbc:ID>"),
        (b"<xades:SigningTime>2026", b"<xades:SigningTime>2027"),
        (b"<Invoice ", b"<Invoice  "),
    ],
)
def test_another_spelling_is_left_to_the_full_way(old: bytes, new: bytes) -> None:
    xml = stamped(1)
    assert old in xml
    assert check(xml.replace(old, new, 1), signer().certificate) is None


def test_another_certificate_or_key_is_no_yes() -> None:
    other = signer_of(new_identity())
    assert cut(stamped(2), other.certificate) is None
    assert check(stamped(2), signer().certificate, point=other.point) is None
    assert check(stamped(2), signer().certificate, point=b"\x04" + b"\0" * 64) is None


@pytest.mark.parametrize("xml", [b"", b"<", b"<?xml", b"<a>", b'<?xml version="1.0" encoding="UTF-8"?>\n', b"\0" * 99])
def test_scraps_are_no_form_of_ours(xml: bytes) -> None:
    assert check(xml, signer().certificate) is None
    assert rest_of_cleared(xml) is None
    assert rest_of_cleared(b"<ds:X509Certificate>zz</ds:X509Certificate>") is None
