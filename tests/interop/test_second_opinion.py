"""Our writer's documents, stamped, read by someone else's validator: fatoora-rs 0.3.0's re-implementation of the SDK's.

Its stages are schema, EN 16931, KSA rules (edition 238-R3.4.8), signature, QR and previous hash; it looks at
signature and QR of simplified documents only, as the SDK does, so the invoice hash is compared for all of them.
"""

import json
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fatoora", reason="fatoora-rs has no wheel for this platform")

import fatoora

from khatm.clock import SAUDI
from khatm.document.arithmetic import compute
from khatm.document.model import read_document
from khatm.document.writer import ChainPlace, write
from khatm.stamp.canonical import INITIAL_PIH
from khatm.stamp.signers import Signer
from khatm.stamp.xades import StampedInvoice, stamp
from tests.authoring import random_document

AUTHORED = sorted((Path(__file__).parents[1] / "data" / "authored").glob("*.json"))
RANDOM_DOCUMENTS = int(os.environ.get("KHATM_RANDOM_DOCUMENTS", "60"))
LATE = "BR-KSA-98"
"""A simplified document submitted more than 24 hours after its issue: a matter of today's date, not of the document."""


def stamped(document: dict[str, Any], signer: Signer) -> StampedInvoice:
    place = ChainPlace(document["uuid"], document["counter"] or 1, document["previous_hash"] or INITIAL_PIH)
    invoice = write(compute(read_document(document)), place)
    return stamp(invoice, signer, issued(document), allow_utc_issue_time=True)


def issued(document: dict[str, Any]) -> datetime:
    moment = datetime.fromisoformat(f"{document['issue_date']}T{document['issue_time']}")
    return moment if moment.tzinfo else moment.replace(tzinfo=SAUDI)


def findings(document: dict[str, Any], invoice: StampedInvoice, at: datetime) -> set[tuple[str, str, str]]:
    """Stage, code and severity of everything that the other validator says about the document at that time."""
    with fatoora.Config() as config:
        report = fatoora.validate_zatca_invoice_from_str(
            config,
            invoice.xml.decode(),
            previous_invoice_hash=document["previous_hash"] or INITIAL_PIH,
            evaluated_at=at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
    assert report["is_complete"], report
    simplified = document["profile"] == "simplified"
    ran = {stage["stage"] for stage in report["stages"] if stage["status"] == "completed"}
    expected = {"xsd", "cen", "ksa", "previous_invoice_hash"} | ({"signature", "qr"} if simplified else set())
    assert ran == expected
    return {
        (stage["stage"], finding["code"], finding["severity"])
        for stage in report["stages"]
        for finding in stage["findings"]
    }


@pytest.mark.parametrize("path", AUTHORED, ids=lambda path: path.stem)
def test_every_authored_document_passes(path: Path, signer: Signer) -> None:
    document = json.loads(path.read_bytes())["input"]
    invoice = stamped(document, signer)
    assert findings(document, invoice, issued(document) + timedelta(hours=1)) == set()
    today = max(datetime.now(UTC), issued(document) + timedelta(hours=1))
    late = {("ksa", LATE, "warning")} if document["profile"] == "simplified" else set()
    assert findings(document, invoice, today) <= late
    assert fatoora.invoice_hash_base64_from_xml_str(invoice.xml.decode()) == invoice.invoice_hash


def test_all_sixteen_authored_documents_are_there() -> None:
    assert len(AUTHORED) == 16


def test_random_documents_pass(signer: Signer) -> None:
    """KHATM_RANDOM_DOCUMENTS sets how many; each has a seed of its own, named when it fails."""
    refused = {}
    for seed in range(RANDOM_DOCUMENTS):
        document = random_document(random.Random(seed))
        invoice = stamped(document, signer)
        found = findings(document, invoice, issued(document) + timedelta(hours=1))
        if found or fatoora.invoice_hash_base64_from_xml_str(invoice.xml.decode()) != invoice.invoice_hash:
            refused[seed] = found or "another invoice hash"
    assert refused == {}
