"""Walking along a chain: stretch by stretch, with the seams between stretches checked where they meet."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from khatm.ledger.audit.breaks import ChainBreak
from khatm.ledger.audit.examination import BEFORE_THE_CHAIN, examine
from khatm.ledger.audit.record import Record, StampKey

MOST_BREAKS = 20
"""How many breaks are kept per unit; the rest is counted."""

Examinable = tuple[Record, bytes | None, bytes | None]
"""What is recorded of a document, its stamped bytes (None: lost) and its cleared copy."""


@dataclass(slots=True)
class Walked:
    """What was seen on a stretch. `first_previous` is None if there was no document at its first counter."""

    first: int
    last: int
    documents: int = 0
    first_previous: tuple[str, str] | None = None
    """UUID and previous hash of the first document."""
    last_hash: str | None = None
    """The hash that the next document has to name; None if the stretch ends with a gap."""
    breaks: list[ChainBreak] = field(default_factory=list)
    broken: int = 0

    def add(self, found: ChainBreak) -> None:
        """Count a break, and keep it if there is room."""
        self.broken += 1
        if len(self.breaks) < MOST_BREAKS:
            self.breaks.append(found)


def walk(
    archive: Iterable[Examinable],
    first: int,
    last: int,
    keys: dict[str, StampKey] | None,
    previous_hash: str | None = None,
) -> Walked:
    """Examine the documents of a stretch in order; without `keys` the stamps are left out.

    `previous_hash` is what the first document must name; None leaves that to `join`.
    """
    walked = Walked(first, last)
    expected_icv, previous = first, previous_hash
    for record, xml, cleared in archive:
        if record.icv != expected_icv:
            walked.add(ChainBreak(expected_icv, record.uuid, "counter", str(expected_icv), str(record.icv)))
            previous = None
        elif record.icv == first:
            walked.first_previous = (record.uuid, record.previous_hash)
        key = None if keys is None else keys.get(record.generation, StampKey(record.generation, None))
        seen = examine(record, xml, cleared, key, previous)
        if seen.broken is not None:
            walked.add(seen.broken)
        walked.documents += 1
        expected_icv, previous = record.icv + 1, seen.invoice_hash
    if expected_icv <= last:
        walked.add(ChainBreak(expected_icv, "", "counter", str(expected_icv), "nothing"))
        previous = None
    walked.last_hash = previous
    return walked


def join(before: Walked, after: Walked) -> None:
    """Check the seam: the first document of a stretch must name the last hash of the stretch before it.

    As within a stretch a document has one break at most, the first in the order of the checks.
    """
    if before.last_hash is None or after.first_previous is None:
        return
    uuid, found = after.first_previous
    first = after.breaks[0] if after.breaks and after.breaks[0].icv == after.first else None
    if found == before.last_hash or (first is not None and first.check in BEFORE_THE_CHAIN):
        return
    seam = ChainBreak(after.first, uuid, "previous-hash", before.last_hash, found)
    if first is not None:
        after.breaks[0] = seam
    else:
        after.breaks.insert(0, seam)
        after.broken += 1
