"""Documents of our own writer before the examination, and after clearance: two rooms that share no code for this."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from khatm.clock import SAUDI
from khatm.document.arithmetic import compute
from khatm.document.canonical import CanonicalInvoice
from khatm.document.model import read_document
from khatm.document.writer import ChainPlace, unstamped_xml, write
from khatm.simulator.clearance import Unstamped, clear
from khatm.simulator.received import Call
from khatm.simulator.splice import find_places
from khatm.stamp.canonical import INITIAL_PIH, invoice_hash
from khatm.stamp.certificate import read_certificate
from khatm.stamp.signers import FileSigner
from khatm.stamp.verify import verify
from khatm.stamp.xades import stamp
from tests.stamp_vectors import key_scalar
from tests.unit.examination_stage import CERTIFICATE, Submission, codes

AUTHORED = sorted((Path(__file__).parents[1] / "data" / "authored").glob("*.json"))
PLACE = ChainPlace("6f3b8d0e-2a71-4c55-9d3e-0c1f5a7e9b01", 1, INITIAL_PIH)
SIGNER = FileSigner(
    ec.derive_private_key(int.from_bytes(key_scalar("egs"), "big"), ec.SECP256K1()), read_certificate(CERTIFICATE)
)


def is_standard(path: Path) -> bool:
    """Whether the authored document is a standard one."""
    return bool(json.loads(path.read_text("utf-8"))["input"]["profile"] == "standard")


CASES = [(path, stamped) for path in AUTHORED for stamped in (True, False) if stamped or is_standard(path)]
"""Every authored document stamped, and the standard ones bare as well."""


def stamped_xml(invoice: CanonicalInvoice, issued: datetime) -> bytes:
    """Stamp a written document at its issue time; the one with a UTC time carries Saudi time in its QR code."""
    at = max(issued, SIGNER.certificate.not_before)
    return stamp(invoice, SIGNER, at, allow_utc_issue_time=True).xml


@pytest.mark.parametrize(
    ("path", "stamped"), CASES, ids=lambda each: each.stem if isinstance(each, Path) else str(each)
)
def test_written_document_is_accepted_and_cleared(path: Path, stamped: bool) -> None:
    authored = json.loads(path.read_text("utf-8"))["input"]
    invoice = write(compute(read_document(authored)), PLACE)
    issued = datetime.fromisoformat(f"{invoice.facts.issue_date}T{invoice.facts.issue_time}")
    issued = issued if issued.tzinfo else issued.replace(tzinfo=SAUDI)
    simplified = invoice.facts.simplified
    xml = stamped_xml(invoice, issued) if stamped else unstamped_xml(invoice)
    self_billed = invoice.facts.transaction_code[6] == "1"
    call: Call = "reporting" if simplified else "clearance"
    submission = Submission(
        xml=xml,
        call=call,
        vat_number=authored["buyer" if self_billed else "seller"]["vat"],
        now=issued + timedelta(hours=1),
    )
    examination = submission.examine()
    assert codes(examination) == ([], [])
    assert codes(replace(submission, call="compliance").examine()) == ([], [])
    if simplified:
        return
    assert examination.facts is not None
    assert examination.stamp_facts is not None
    assert examination.stamp_facts == invoice.facts
    cleared = clear(
        xml,
        platform=SIGNER,
        certificate=SIGNER.certificate,
        at=issued + timedelta(hours=1),
        unstamped=Unstamped(examination.facts.document_hash, examination.stamp_facts),
    )
    assert verify(cleared).failing == []
    assert invoice_hash(cleared) == invoice_hash(xml) == examination.facts.document_hash
    assert find_places(cleared) == find_places(xml)
