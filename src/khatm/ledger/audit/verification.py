"""Verification of a ledger: every document of every unit, in one process or in several at once.

The heads are read first. Documents are never changed, so everything up to the heads can be read afterwards in pieces,
while other processes issue: what they add lies beyond the heads and is not looked at.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy.engine import URL

from khatm.clock import SystemClock
from khatm.ledger import units
from khatm.ledger.audit import archive
from khatm.ledger.audit.archive import Chain, Stretch
from khatm.ledger.audit.breaks import ChainBreak
from khatm.ledger.audit.evidence import evidence_break
from khatm.ledger.audit.walk import MOST_BREAKS, Walked, join, walk
from khatm.ledger.chain_import import ChainImport
from khatm.ledger.head_record import RecordedHead
from khatm.ledger.store import Store, open_store
from khatm.stamp.canonical import INITIAL_PIH

PIECE = 250
"""Documents that one process examines in one transaction: short enough not to hold up the database's housekeeping."""


_PIECES_PER_JOB = 2
"""Less than that, and starting a process takes longer than its work."""


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a verification saw of one unit.

    `documents` is how many hold up to the first break, `examined` how many were looked at, `broken` how many breaks
    there are, of which `breaks` keeps the first in the order of the chain.
    """

    unit: str
    documents: int
    examined: int
    broken: int
    breaks: tuple[ChainBreak, ...]
    imports: tuple[ChainImport, ...] = ()
    """Where the chain goes on from documents that are not in this ledger: declared, not broken."""

    @property
    def first_break(self) -> ChainBreak | None:
        """The first place at which the chain does not hold."""
        return self.breaks[0] if self.breaks else None

    @property
    def intact(self) -> bool:
        """Whether the whole chain holds."""
        return not self.breaks


Progress = Callable[[int, int], None]
"""Told how many documents are examined, and of how many."""


@dataclass(slots=True)
class _Tally:
    """The pieces of one chain as they come in, in order."""

    chain: Chain
    examined: int = 0
    broken: int = 0
    breaks: list[ChainBreak] = field(default_factory=list)
    before: Walked | None = None

    def add(self, walked: Walked, *, joined: bool) -> None:
        """Take the next piece; `joined` if it follows the one before without an import between."""
        if joined and self.before is not None:
            join(self.before, walked)
        self._keep(walked.breaks, walked.broken)
        self.examined += walked.documents
        self.before = walked

    def report(self, others: list[ChainBreak]) -> ChainReport:
        """Finish with the breaks that were found apart from the walk."""
        chain = self.chain
        self._keep(others, len(others))
        self._keep(_import_breaks(chain), 0)
        self._keep(head := _head_breaks(chain, self.before), len(head))
        self.breaks.sort(key=lambda each: each.icv)
        first = self.breaks[0] if self.breaks else None
        held = self.examined
        if first is not None and first.check not in ("head", "head-record"):
            held = sum(max(0, min(each.last, first.icv - 1) - each.first + 1) for each in chain.segments())
        return ChainReport(
            chain.unit.name, held, self.examined, self.broken, tuple(self.breaks[:MOST_BREAKS]), chain.imports
        )

    def _keep(self, found: list[ChainBreak], count: int) -> None:
        self.breaks += found
        self.broken += max(count, len(found))


def verify_unit(store: Store, name: str, *, stamps: bool = True) -> ChainReport:
    """Verify one unit in this process, in one transaction; without `stamps` the chain alone. Raises UnknownUnit."""
    with store.read() as connection:
        chain = archive.chain(connection, units.by_name(connection, name))
        tally = _Tally(chain)
        keys = archive.stamp_keys(connection, chain.unit.id) if stamps else None
        for stretch in chain.segments():
            found = archive.documents(connection, stretch)
            tally.add(walk(found, stretch.first, stretch.last, keys, stretch.previous_hash), joined=False)
    return tally.report([])


def verify_ledger(
    address: str | URL,
    *,
    unit: str | None = None,
    jobs: int = 1,
    piece_size: int = PIECE,
    recorded: Mapping[str, RecordedHead] | None = None,
    progress: Progress | None = None,
) -> list[ChainReport]:
    """Verify the chains of all units, or of one, with `jobs` processes; UUIDs are compared over the whole archive.

    `address` is the database's, `piece_size` how many documents are examined in one transaction.
    `recorded` are the heads that the installation remembers by unit, read beforehand. Raises UnknownUnit, and the
    store's errors.
    """
    with _opened(address) as store, store.read() as connection:
        wanted = [units.by_name(connection, unit)] if unit is not None else units.everyone(connection)
        chains = [archive.chain(connection, each) for each in wanted]
        twice = archive.repeated_uuids(connection)
    tallies = {each.unit.id: _Tally(each) for each in chains}
    pieces = [piece for each in chains for piece in archive.cut(each.segments(), piece_size)]
    total = sum(piece.last - piece.first + 1 for piece in pieces)
    done = 0
    for piece, walked in _walk_all(address, pieces, jobs):
        tallies[piece.unit_id].add(walked, joined=piece.previous_hash is None)
        done += piece.last - piece.first + 1
        if progress is not None:
            progress(done, total)
    return [
        tally.report(_uuid_breaks(tally.chain, twice) + _record_breaks(tally.chain, recorded or {}))
        for tally in tallies.values()
    ]


@contextmanager
def _opened(address: str | URL) -> Iterator[Store]:
    store = open_store(address, SystemClock())
    try:
        yield store
    finally:
        store.close()


def _walk_all(address: str | URL, pieces: list[Stretch], jobs: int) -> Iterator[tuple[Stretch, Walked]]:
    jobs = min(jobs, len(pieces) // _PIECES_PER_JOB)
    if jobs <= 1:
        with _opened(address) as store:
            walker = _Walker(store)
            for piece in pieces:
                yield piece, walker.walk(piece)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Started afresh: the caller may have threads and open connections, which a forked process must not inherit.
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_begin, initargs=(address,)) as pool:
        yield from zip(pieces, pool.map(_walk_here, pieces), strict=True)


class _Walker:
    """Walks stretches on one store; keeps the keys of the units it has met."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def walk(self, stretch: Stretch) -> Walked:
        with self._store.read() as connection:
            keys = archive.stamp_keys(connection, stretch.unit_id)
            found = archive.documents(connection, stretch)
            return walk(found, stretch.first, stretch.last, keys, stretch.previous_hash)


_walkers: list[_Walker] = []


def _begin(address: str | URL) -> None:
    _walkers.append(_Walker(open_store(address, SystemClock())))


def _walk_here(stretch: Stretch) -> Walked:
    return _walkers[0].walk(stretch)


def _head_breaks(chain: Chain, last: Walked | None) -> list[ChainBreak]:
    """Compare the unit's head with the last document, or with the last import where no document came after it."""
    segments, imports = chain.segments(), chain.imports
    icv, expected_hash = segments[-1].last if segments else 0, last.last_hash if last is not None else None
    if imports and imports[-1].icv > icv:
        icv, expected_hash = imports[-1].icv, imports[-1].invoice_hash
    elif not segments:
        icv, expected_hash = 0, INITIAL_PIH
    for detail, expected, found in (
        ("next ICV", str(icv + 1), str(chain.unit.next_icv)),
        ("last hash", expected_hash, chain.unit.last_hash),
    ):
        if expected is not None and expected != found:
            return [ChainBreak(icv, "", "head", expected, found, detail)]
    return []


def _record_breaks(chain: Chain, recorded: Mapping[str, RecordedHead]) -> list[ChainBreak]:
    """Compare the head with what the installation remembers outside the database; older than that it cannot be."""
    unit, remembered = chain.unit, recorded.get(chain.unit.name)
    last = unit.next_icv - 1
    if (
        remembered is None
        or remembered.icv < last
        or (remembered.icv, remembered.invoice_hash) == (last, unit.last_hash)
    ):
        return []
    expected = f"ICV {remembered.icv}, {remembered.invoice_hash}"
    return [ChainBreak(last, "", "head-record", expected, f"ICV {last}, {unit.last_hash}")]


def _import_breaks(chain: Chain) -> list[ChainBreak]:
    given = [each for each in chain.imports if each.content is not None]
    found = (evidence_break(each.icv, each.uuid, each.invoice_hash, each.content or b"") for each in given)
    return [each for each in found if each is not None]


def _uuid_breaks(chain: Chain, twice: list[tuple[str, list[tuple[str, int]]]]) -> list[ChainBreak]:
    breaks: list[ChainBreak] = []
    for uuid, places in twice:
        listed = ", ".join(f"{unit} ICV {icv}" for unit, icv in places)
        breaks += [
            ChainBreak(icv, uuid, "uuid-twice", "1", str(len(places)), listed)
            for unit, icv in places
            if unit == chain.unit.name
        ]
    return breaks
