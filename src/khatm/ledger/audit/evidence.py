"""The last document of an existing chain: what it proves about where the chain stands.

Source: the gateway contract 8.4; the stamp standard, section 3.
"""

import base64
import re
from dataclasses import dataclass

from khatm.document.reader import read_invoice
from khatm.document.xml import parse
from khatm.errors import KhatmError
from khatm.ledger.audit.breaks import ChainBreak
from khatm.ledger.audit.errors import CounterUnusable, EvidenceIncomplete, HashUnusable
from khatm.stamp.verify import Verification, verify

_COUNTER = re.compile(r"[1-9][0-9]{0,17}")
_SELF_BILLED = 6  # the position in KSA-2 after which the buyer issues the document


@dataclass(frozen=True, slots=True)
class LastDocument:
    """What a document says of its place, its issuer and its stamp; the hash is recomputed."""

    icv: int
    uuid: str
    invoice_hash: str
    previous_hash: str
    issuer_vat: str
    """The seller's VAT number, on self-billing the buyer's."""
    verification: Verification

    @property
    def stamp_problems(self) -> list[str]:
        """The names of the failed checks of the stamp; `stamp_present` where there is none."""
        return self.verification.failing if self.verification.stamped else ["stamp_present"]


def read_last_document(xml: bytes) -> LastDocument:
    """Read a document that is to be the last of a chain.

    Raises UnreadableXml, NotAnInvoice, and EvidenceIncomplete for one that lacks counter, previous hash or UUID.
    """
    facts = read_invoice(parse(xml))
    verification = verify(xml)
    stamp_facts = verification.facts
    for field, value in (
        ("hash", verification.invoice_hash),
        ("ICV (KSA-16)", stamp_facts.icv),
        ("PIH (KSA-13)", stamp_facts.pih),
        ("UUID (KSA-1)", stamp_facts.uuid),
    ):
        if not value:
            raise EvidenceIncomplete(field=field)
    counter = checked_counter(str(stamp_facts.icv))
    self_billed = stamp_facts.transaction_code[_SELF_BILLED : _SELF_BILLED + 1] == "1"
    party = facts.buyer if self_billed else facts.seller
    return LastDocument(
        icv=counter,
        uuid=stamp_facts.uuid,
        invoice_hash=verification.invoice_hash,
        previous_hash=str(stamp_facts.pih),
        issuer_vat=party.vat or "",
        verification=verification,
    )


def evidence_break(icv: int, uuid: str | None, invoice_hash: str, content: bytes) -> ChainBreak | None:
    """Recompute what the evidence of an import says; return the first difference from what was recorded of it."""
    recorded = uuid or ""
    try:
        last = read_last_document(content)
    except KhatmError as error:
        return ChainBreak(icv, recorded, "import", "a readable invoice", error.sentence(), "file")
    for detail, expected, found in (
        ("hash", invoice_hash, last.invoice_hash),
        ("counter", str(icv), str(last.icv)),
        ("uuid", recorded, last.uuid),
    ):
        if expected != found:
            return ChainBreak(icv, recorded, "import", expected, found, detail)
    return None


def checked_counter(text: str) -> int:
    """Return the counter of a last document. Raises CounterUnusable."""
    if not _COUNTER.fullmatch(text):
        raise CounterUnusable(found=text)
    return int(text)


def checked_hash(text: str) -> str:
    """Return a stated invoice hash: base64 of 32 bytes (44 characters), or of 64 hexadecimal digits (88).

    Raises HashUnusable.
    """
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        raise HashUnusable(found=text) from None
    of_digest = len(text) == 44 and len(raw) == 32
    if not of_digest and not (len(text) == 88 and re.fullmatch(rb"[0-9a-f]{64}", raw)):
        raise HashUnusable(found=text)
    return text
