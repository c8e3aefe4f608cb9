"""Issue: documents take their places in their units' chains, each whole or not at all.

Several requests share one transaction. First every document is written and stamped, each after the one before it, and
nothing is stored yet: a request whose document is refused simply falls out and uses nothing up. Then all rows are
stored and each chain is advanced once. So no savepoint is needed between documents, and a refusal costs no statement.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

from sqlalchemy import Connection, select

from khatm.ledger import documents, follow_ups, issue_rows, schema
from khatm.ledger.documents import Document, DocumentState, IssuedDocument, Profile, Route
from khatm.ledger.errors import ChainPlaceMismatch, LedgerError, NoLiveCredentials, ReferenceTaken
from khatm.ledger.generations import Generation
from khatm.ledger.group import Request
from khatm.ledger.head_record import HeadRecord
from khatm.ledger.issue_rows import ChainPlace, Head, LiveGenerations, NewDocument, Row
from khatm.ledger.sending_errors import AlreadyFollowed

if TYPE_CHECKING:
    from khatm.document.canonical import StampFacts

__all__ = ["ChainPlace", "IssueRequest", "Stamped", "Write", "issue_together"]

_document = schema.document


class Stamped(Protocol):
    """A finished document: exact bytes, invoice hash (44 characters of base64) and the facts it repeats."""

    @property
    def xml(self) -> bytes:
        """The whole file."""
        ...

    @property
    def invoice_hash(self) -> str:
        """Base64 of the SHA-256 of the canonical form."""
        ...

    @property
    def facts(self) -> "StampFacts":
        """What the document says of itself, UUID, counter and previous hash included."""
        ...


Write = Callable[[ChainPlace, Generation], Stamped]
"""Writes and stamps a document for a place, with the credentials of a generation. It runs under the unit's lock, in the
thread of any of the callers whose requests share a commit, and once more for another place if that commit fails.
"""


class IssueRequest(Request[IssuedDocument]):
    """One document to be issued: for which unit, how it is written, and the caller's own name for it.

    A `reference` needs the `content_digest` of what was asked for, see `documents.content_digest`. `follows` is the
    UUID of the document that this one corrects or changes, `authored` what it was written from, as it is to be kept.
    """

    def __init__(
        self,
        unit_name: str,
        write: Write,
        *,
        reference: str | None = None,
        content_digest: str | None = None,
        follows: str | None = None,
        authored: bytes | None = None,
    ) -> None:
        if reference is not None and content_digest is None:
            raise ValueError("a reference needs the digest of the content it stands for")
        self.unit_name = unit_name
        self.write = write
        self.reference = reference
        self.digest = content_digest
        self.follows = follows
        self.authored = authored


Answer = IssuedDocument | Exception
"""What became of a request: the document, or why there is none."""


def issue_together(
    connection: Connection,
    requests: Sequence[IssueRequest],
    live: LiveGenerations,
    record: HeadRecord,
    now: datetime,
) -> tuple[list[Answer], list[Head]]:
    """Give each document its place, have it written and stamped, store all and advance the chains; the caller commits.

    All are issued at the moment `now`. Returns one answer for each request, valid once committed, and the chains' new
    heads. An answer may be UnknownUnit, NoLiveCredentials, ChainHeadReplaced, ReferenceTaken, ChainPlaceMismatch, or
    whatever `write` raised. Source: the gateway contract 8.4.
    """
    chains: dict[str, _Chain | LedgerError] = {}
    moment = _Moment(now, schema.moment_text(now), issue_rows.uuid_beginning(now))
    # In one order for all processes, so that no two of them wait for each other's units.
    for name in sorted({request.unit_name for request in requests}):
        try:
            chains[name] = _Chain(connection, name, live, record, moment)
        except LedgerError as error:
            chains[name] = error
    placed: list[_Placed | _Repeated | Answer] = []
    for request in requests:
        chain = chains[request.unit_name]
        placed.append(chain.place(request) if isinstance(chain, _Chain) else chain)
    moved = [chain for chain in chains.values() if isinstance(chain, _Chain) and chain.new]
    if moved:
        issue_rows.store(connection, [row for chain in moved for row in chain.new])
    heads = [chain.head() for chain in moved]
    for head in heads:
        issue_rows.advance(connection, head)
    return [each if isinstance(each, (IssuedDocument, Exception)) else each.issued() for each in placed], heads


class _Moment(NamedTuple):
    """When the documents of a transaction are issued, how the database stores that, and how their UUIDs begin."""

    time: datetime
    text: str
    uuid_beginning: str


class _Chain:
    """A unit's chain within one transaction: its row is locked, and new documents are not stored yet."""

    def __init__(
        self, connection: Connection, unit_name: str, live: LiveGenerations, record: HeadRecord, moment: _Moment
    ) -> None:
        self._connection = connection
        self._locked, self._live_id = issue_rows.locked_head(connection, unit_name)
        self._next_icv, self._last_hash = self._locked.next_icv, self._locked.last_hash
        self.new: list[Row] = []
        self._live = live
        self._record = record
        self._moment = moment
        self._generation: Generation | None = None
        self._by_reference: dict[str, _Placed] = {}
        self._successors: dict[str, str] = {}

    def head(self) -> Head:
        """Return where the chain stands after the new documents."""
        return Head(self._locked.unit_id, self._locked.unit_name, self._next_icv, self._last_hash)

    def place(self, request: IssueRequest) -> "_Placed | _Repeated | Answer":
        """Have a request's document written for the next place, unless its reference has one already."""
        reference = request.reference
        try:
            if reference is not None:
                earlier = self._with_reference(request, reference)
                if earlier is not None:
                    return earlier
            generation = self._generation or self._ready()
        except LedgerError as error:
            return error
        place = ChainPlace(issue_rows.fresh_uuid(self._moment.uuid_beginning), self._next_icv, self._last_hash)
        try:
            stamped = request.write(place, generation)
            _require_place(self._locked.unit_name, place, stamped.facts)
            follows = None if request.follows is None else self._followed(request.follows, place)
        except Exception as error:
            return error
        placed = _Placed(generation, place, stamped, request, follows, self._moment)
        self.new.append(placed)
        self._next_icv, self._last_hash = place.counter + 1, stamped.invoice_hash
        if reference is not None:
            self._by_reference[reference] = placed
        return placed

    def _followed(self, uuid: str, place: ChainPlace) -> int:
        """Return the id of the document that a new one follows; raises what `follow_ups.followed_by_new` raises."""
        known = self._successors.get(uuid)
        if known is not None:  # an earlier request of this transaction follows it
            raise AlreadyFollowed(uuid=uuid, by=known, state=DocumentState.ISSUED.value)
        found = follow_ups.followed_by_new(self._connection, uuid, place.uuid, self._moment.time)
        self._successors[uuid] = place.uuid
        return found

    def _ready(self) -> Generation:
        """Return the live generation; raises NoLiveCredentials, ChainHeadReplaced."""
        if self._live_id is None:
            raise NoLiveCredentials(unit=self._locked.unit_name)
        generation = self._live.of_id(self._connection, self._live_id)
        self._record.require_continued(self._connection, self._locked)
        self._generation = generation
        return generation

    def _with_reference(self, request: IssueRequest, reference: str) -> "_Repeated | IssuedDocument | None":
        """Return the document that has the request's reference already; raises ReferenceTaken."""
        placed = self._by_reference.get(reference)
        if placed is not None:
            known = placed.document
            self._require_same(request, known.content_digest, known.icv, known.uuid)
            return _Repeated(placed)
        row = self._connection.execute(
            select(_document).where(_document.c.unit_id == self._locked.unit_id, _document.c.reference == reference)
        ).one_or_none()
        if row is None:
            return None
        earlier = documents.from_row(row)
        self._require_same(request, row.content_digest, earlier.icv, earlier.uuid)
        return IssuedDocument(earlier, documents.stamped_xml(self._connection, earlier.id), repeated=True)

    def _require_same(self, request: IssueRequest, digest: str | None, icv: int, uuid: str) -> None:
        if digest != request.digest:
            raise ReferenceTaken(unit=self._locked.unit_name, reference=str(request.reference), icv=icv, uuid=uuid)


class _Placed(Row):
    """A new document at its place, with its row as the database keeps it."""

    __slots__ = ("_deadline", "_issued_at", "_simplified")

    def __init__(
        self,
        generation: Generation,
        place: ChainPlace,
        stamped: Stamped,
        request: IssueRequest,
        follows: int | None,
        moment: _Moment,
    ) -> None:
        facts = stamped.facts
        self._issued_at, issued_at, _ = moment
        self._simplified = facts.simplified
        self._deadline, deadline = None, None
        if self._simplified:
            self._deadline = documents.reporting_deadline(facts.issue_date, facts.issue_time, moment.time)
            deadline = _deadline_text(self._deadline)
        self.document = NewDocument(
            generation.unit_id,
            generation.id,
            place.counter,
            place.uuid,
            stamped.invoice_hash,
            place.previous_hash,
            request.reference,
            request.digest,
            "simplified" if self._simplified else "standard",
            facts.type_code,
            facts.transaction_code,
            facts.issue_date,
            facts.issue_time,
            facts.payable,
            facts.vat_total,
            issued_at,
            deadline,
            "issued",
            "reporting" if self._simplified else "clearance",
            0,
            follows,
        )
        self.xml = stamped.xml
        self.authored = request.authored
        self.document_id = 0

    def issued(self, *, repeated: bool = False) -> IssuedDocument:
        """Return what the caller gets."""
        row = self.document
        document = Document(
            self.document_id,
            row.unit_id,
            row.generation_id,
            row.icv,
            row.uuid,
            row.invoice_hash,
            row.previous_hash,
            row.reference,
            Profile.SIMPLIFIED if self._simplified else Profile.STANDARD,
            row.type_code,
            row.transaction_code,
            row.issue_date,
            row.issue_time,
            row.payable,
            row.vat_total,
            self._issued_at,
            self._deadline,
            DocumentState.ISSUED,
            Route.REPORTING if self._simplified else Route.CLEARANCE,
            row.attempts,
            None,  # the next attempt, a reason, and when it was settled: not yet
            None,
            None,
            row.follows,
        )
        return IssuedDocument(document, self.xml, repeated)


_deadline_text = lru_cache(maxsize=64)(schema.moment_text)
"""Documents of one second have one deadline."""


@dataclass(frozen=True, slots=True)
class _Repeated:
    """A second request for a document that is new in this very transaction."""

    first: _Placed

    def issued(self) -> IssuedDocument:
        """Return what the caller gets."""
        return self.first.issued(repeated=True)


def _require_place(unit_name: str, place: ChainPlace, facts: "StampFacts") -> None:
    counter = str(place.counter)
    if facts.uuid == place.uuid and facts.icv == counter and facts.pih == place.previous_hash:
        return
    for field, found, allowed in (
        ("uuid", facts.uuid, place.uuid),
        ("counter (KSA-16)", facts.icv, counter),
        ("previous hash (KSA-13)", facts.pih, place.previous_hash),
    ):
        if found != allowed:
            raise ChainPlaceMismatch(unit=unit_name, field=field, found=str(found), allowed=allowed)
