"""Proof of a unit's chain: every hash, counter and previous hash recomputed from the stored bytes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from khatm.errors import KhatmError
from khatm.ledger.documents import Document
from khatm.ledger.units import Unit

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """The first place at which a chain does not hold.

    `check` is one of: counter (the row's ICV is not the next one), bytes (there are none), unreadable,
    hash (the bytes give another hash), previous-hash (the row does not point to the document before),
    embedded-counter, embedded-previous-hash, embedded-uuid (the bytes say other than the row),
    head (the unit's row does not continue the last document).
    """

    icv: int
    uuid: str
    check: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a verification saw: how many documents hold, and the first break if there is one."""

    unit: str
    documents: int
    first_break: ChainBreak | None

    @property
    def intact(self) -> bool:
        """Whether the whole chain holds."""
        return self.first_break is None


def verify(unit: Unit, archive: "Iterable[tuple[Document, bytes | None]]") -> ChainReport:
    """Walk a unit's documents in ICV order and recompute the chain from their bytes.

    Source: the gateway contract 8.4, the stamp standard 3.1 to 3.3.
    """
    from khatm.stamp.canonical import INITIAL_PIH

    held = 0
    previous = INITIAL_PIH
    for document, xml in archive:
        broken = _check(document, xml, held + 1, previous)
        if broken is not None:
            return ChainReport(unit.name, held, broken)
        held += 1
        previous = document.invoice_hash
    for expected, found in ((str(held + 1), str(unit.next_icv)), (previous, unit.last_hash)):
        if expected != found:
            return ChainReport(unit.name, held, ChainBreak(held, "", "head", expected, found))
    return ChainReport(unit.name, held, None)


def _check(document: Document, xml: bytes | None, counter: int, previous: str) -> ChainBreak | None:
    from khatm.stamp.canonical import hash_text, read_canonical

    if document.icv != counter:
        return ChainBreak(counter, document.uuid, "counter", str(counter), str(document.icv))
    if xml is None:
        return ChainBreak(counter, document.uuid, "bytes", "the stamped bytes", "nothing")
    try:
        invoice = read_canonical(xml)
    except KhatmError as error:
        return ChainBreak(counter, document.uuid, "unreadable", "a readable invoice", error.sentence())
    facts = invoice.facts
    for check, expected, found in (
        ("hash", document.invoice_hash, hash_text(invoice.head + invoice.body + invoice.tail)),
        ("previous-hash", previous, document.previous_hash),
        ("embedded-counter", str(counter), str(facts.icv)),
        ("embedded-previous-hash", previous, str(facts.pih)),
        ("embedded-uuid", document.uuid, facts.uuid),
    ):
        if expected != found:
            return ChainBreak(counter, document.uuid, check, expected, found)
    return None
