"""Issue: documents take their places in their units' chains, each whole or not at all.

Several requests share one transaction. First every document is written and stamped, each after the one before it, and
nothing is stored yet: a request whose document is refused simply falls out and uses nothing up. Then all rows are
stored and each chain is advanced once. So no savepoint is needed between documents, and a refusal costs no statement.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, cast

from sqlalchemy import Connection, select

from khatm.ledger import documents, follow_ups, issue_rows, schema
from khatm.ledger.documents import Document, DocumentState, IssuedDocument, Profile, Route
from khatm.ledger.errors import ChainPlaceMismatch, LedgerError, NoLiveCredentials, ReferenceTaken
from khatm.ledger.generations import Generation
from khatm.ledger.group import Request
from khatm.ledger.head_record import HeadRecord
from khatm.ledger.issue_rows import ChainPlace, Head, LiveGenerations
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
        super().__init__()
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
    now: Callable[[], datetime],
) -> tuple[list[Answer], list[Head]]:
    """Give each document its place, have it written and stamped, store all and advance the chains; the caller commits.

    Returns one answer for each request, valid once committed, and the chains' new heads. An answer may be UnknownUnit,
    NoLiveCredentials, ChainHeadReplaced, ReferenceTaken, ChainPlaceMismatch, or whatever `write` raised.
    Source: the gateway contract 8.4.
    """
    chains: dict[str, _Chain | LedgerError] = {}
    # In one order for all processes, so that no two of them wait for each other's units.
    for name in sorted({request.unit_name for request in requests}):
        try:
            chains[name] = _Chain(connection, name, live, record)
        except LedgerError as error:
            chains[name] = error
    placed: list[_Placed | _Repeated | Answer] = []
    for request in requests:
        chain = chains[request.unit_name]
        placed.append(chain.place(request, now()) if isinstance(chain, _Chain) else chain)
    moved = [chain for chain in chains.values() if isinstance(chain, _Chain) and chain.new]
    new = [each for chain in moved for each in chain.new]
    if new:
        ids = issue_rows.store(connection, [(each.row, each.xml) for each in new])
        for each, document_id in zip(new, ids, strict=True):
            each.document_id = document_id
        for chain in moved:
            issue_rows.advance(connection, chain.head)
    answers = [each if isinstance(each, (IssuedDocument, Exception)) else each.issued() for each in placed]
    return answers, [chain.head for chain in moved]


class _Chain:
    """A unit's chain within one transaction: its row is locked, and new documents are not stored yet."""

    def __init__(self, connection: Connection, unit_name: str, live: LiveGenerations, record: HeadRecord) -> None:
        self._connection = connection
        self.head, self._live_id = issue_rows.locked_head(connection, unit_name)
        self.new: list[_Placed] = []
        self._live = live
        self._record = record
        self._generation: Generation | None = None
        self._by_reference: dict[str, _Placed] = {}
        self._successors: dict[str, str] = {}

    def place(self, request: IssueRequest, now: datetime) -> "_Placed | _Repeated | Answer":
        """Have a request's document written for the next place, unless its reference has one already."""
        try:
            earlier = self._with_reference(request)
            if earlier is not None:
                return earlier
            generation = self._generation or self._ready()
        except LedgerError as error:
            return error
        place = self.head.next_place()
        try:
            stamped = request.write(place, generation)
            _require_place(self.head, place, stamped.facts)
            follows = self._followed(request, place, now)
        except Exception as error:
            return error
        placed = _Placed(self.head.unit_id, generation.id, place, stamped, request, follows, now)
        self.new.append(placed)
        self.head = self.head.after(place, stamped.invoice_hash)
        if request.reference is not None:
            self._by_reference[request.reference] = placed
        return placed

    def _followed(self, request: IssueRequest, place: ChainPlace, now: datetime) -> int | None:
        """Return the id of the document that the request follows; raises what `follow_ups.followed_by_new` raises."""
        if request.follows is None:
            return None
        known = self._successors.get(request.follows)
        if known is not None:  # an earlier request of this transaction follows it
            raise AlreadyFollowed(uuid=request.follows, by=known, state=DocumentState.ISSUED.value)
        found = follow_ups.followed_by_new(self._connection, request.follows, place.uuid, now)
        self._successors[request.follows] = place.uuid
        return found

    def _ready(self) -> Generation:
        """Return the live generation; raises NoLiveCredentials, ChainHeadReplaced."""
        if self._live_id is None:
            raise NoLiveCredentials(unit=self.head.unit_name)
        generation = self._live.of_id(self._connection, self._live_id)
        self._record.require_continued(self._connection, self.head)
        self._generation = generation
        return generation

    def _with_reference(self, request: IssueRequest) -> "_Repeated | IssuedDocument | None":
        """Return the document that has the request's reference already; raises ReferenceTaken."""
        if request.reference is None:
            return None
        placed = self._by_reference.get(request.reference)
        if placed is not None:
            self._require_same(request, placed.request.digest, placed.place.counter, placed.place.uuid)
            return _Repeated(placed)
        row = self._connection.execute(
            select(_document).where(
                _document.c.unit_id == self.head.unit_id, _document.c.reference == request.reference
            )
        ).one_or_none()
        if row is None:
            return None
        earlier = documents.from_row(row)
        self._require_same(request, row.content_digest, earlier.icv, earlier.uuid)
        return IssuedDocument(earlier, documents.stamped_xml(self._connection, earlier.id), repeated=True)

    def _require_same(self, request: IssueRequest, digest: str | None, icv: int, uuid: str) -> None:
        if digest != request.digest:
            raise ReferenceTaken(unit=self.head.unit_name, reference=str(request.reference), icv=icv, uuid=uuid)


class _Placed:
    """A new document at its place, and its row as the database keeps it; its id is known once it is stored."""

    __slots__ = ("_deadline", "_now", "_simplified", "document_id", "place", "request", "row", "xml")

    def __init__(
        self,
        unit_id: int,
        generation_id: int,
        place: ChainPlace,
        stamped: Stamped,
        request: IssueRequest,
        follows: int | None,
        now: datetime,
    ) -> None:
        facts = stamped.facts
        self.document_id = 0
        self.place = place
        self.request = request
        self.xml = stamped.xml
        self._now = now
        self._simplified = facts.simplified
        self._deadline = (
            documents.reporting_deadline(facts.issue_date, facts.issue_time, now) if facts.simplified else None
        )
        self.row: dict[str, object] = {
            "unit_id": unit_id,
            "generation_id": generation_id,
            "icv": place.counter,
            "uuid": place.uuid,
            "invoice_hash": stamped.invoice_hash,
            "previous_hash": place.previous_hash,
            "reference": request.reference,
            "content_digest": request.digest,
            "profile": "simplified" if facts.simplified else "standard",
            "type_code": facts.type_code,
            "transaction_code": facts.transaction_code,
            "issue_date": facts.issue_date,
            "issue_time": facts.issue_time,
            "payable": facts.payable,
            "vat_total": facts.vat_total,
            "issued_at": schema.moment_text(now),
            "deadline": None if self._deadline is None else _deadline_text(self._deadline),
            "state": "issued",
            "route": "reporting" if facts.simplified else "clearance",
            "attempts": 0,
            "follows": follows,
            "authored": request.authored,
        }

    def issued(self, *, repeated: bool = False) -> IssuedDocument:
        """Return what the caller gets."""
        row = cast("dict[str, Any]", self.row)
        document = Document(
            id=self.document_id,
            unit_id=row["unit_id"],
            generation_id=row["generation_id"],
            icv=row["icv"],
            uuid=row["uuid"],
            invoice_hash=row["invoice_hash"],
            previous_hash=row["previous_hash"],
            reference=row["reference"],
            profile=Profile.SIMPLIFIED if self._simplified else Profile.STANDARD,
            type_code=row["type_code"],
            transaction_code=row["transaction_code"],
            issue_date=row["issue_date"],
            issue_time=row["issue_time"],
            payable=row["payable"],
            vat_total=row["vat_total"],
            issued_at=self._now,
            deadline=self._deadline,
            state=DocumentState.ISSUED,
            route=Route.REPORTING if self._simplified else Route.CLEARANCE,
            attempts=0,
            next_attempt_at=None,
            reason=None,
            settled_at=None,
            follows=row["follows"],
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


def _require_place(head: Head, place: ChainPlace, facts: "StampFacts") -> None:
    for field, found, allowed in (
        ("uuid", facts.uuid, place.uuid),
        ("counter (KSA-16)", facts.icv, str(place.counter)),
        ("previous hash (KSA-13)", facts.pih, place.previous_hash),
    ):
        if found != allowed:
            raise ChainPlaceMismatch(unit=head.unit_name, field=field, found=str(found), allowed=allowed)
