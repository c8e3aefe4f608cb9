"""Issue: documents take their places in their units' chains, each whole or not at all.

Several requests share one transaction. First every document is written and stamped, each after the one before it, and
nothing is stored yet: a request whose document is refused simply falls out and uses nothing up. Then all rows are
stored and each chain is advanced once. So no savepoint is needed between documents, and a refusal costs no statement.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection, select

from khatm.ledger import documents, follow_ups, issue_rows, schema
from khatm.ledger.documents import Document, DocumentState, IssuedDocument, Profile, Route
from khatm.ledger.errors import AlreadyFollowed, ChainPlaceMismatch, LedgerError, ReferenceTaken
from khatm.ledger.generations import Generation
from khatm.ledger.group import Request
from khatm.ledger.head_record import HeadRecord
from khatm.ledger.issue_rows import ChainPlace, Head, LiveGenerations

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
    ids = iter(issue_rows.take_ids(connection, len(requests)))
    answers: list[Answer] = []
    for request in requests:
        chain = chains[request.unit_name]
        answers.append(chain.issue(request, ids, now()) if isinstance(chain, _Chain) else chain)
    moved = [chain for chain in chains.values() if isinstance(chain, _Chain) and chain.rows]
    issue_rows.store(connection, [row for chain in moved for row in chain.rows])
    for chain in moved:
        issue_rows.advance(connection, chain.head)
    return answers, [chain.head for chain in moved]


class _Chain:
    """A unit's chain within one transaction: its row is locked, and new documents are not stored yet."""

    def __init__(self, connection: Connection, unit_name: str, live: LiveGenerations, record: HeadRecord) -> None:
        self._connection = connection
        self.head = issue_rows.locked_head(connection, unit_name)
        self.rows: list[issue_rows.Row] = []
        self._live = live
        self._record = record
        self._generation: Generation | None = None
        self._by_reference: dict[str, tuple[str | None, IssuedDocument]] = {}
        self._successors: dict[str, str] = {}

    def issue(self, request: IssueRequest, ids: Iterator[int], now: datetime) -> Answer:
        try:
            earlier = self._with_reference(request)
            if earlier is not None:
                return earlier
            generation = self._ready()
        except LedgerError as error:
            return error
        place = self.head.next_place()
        try:
            stamped = request.write(place, generation)
            _require_place(self.head, place, stamped.facts)
            follows = self._followed(request, place, now)
        except Exception as error:
            return error
        document = _new_document(next(ids), self.head, generation, place, stamped, request.reference, follows, now)
        self.rows.append((_row(document, request.digest, request.authored), stamped.xml))
        self.head = self.head.after(place, stamped.invoice_hash)
        issued = IssuedDocument(document, stamped.xml)
        if request.reference is not None:
            self._by_reference[request.reference] = (request.digest, issued)
        return issued

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
        if self._generation is None:
            generation = self._live.of_unit(self._connection, self.head)
            self._record.require_continued(self._connection, self.head)
            self._generation = generation
        return self._generation

    def _with_reference(self, request: IssueRequest) -> IssuedDocument | None:
        """Return the document that has the request's reference already; raises ReferenceTaken."""
        if request.reference is None:
            return None
        found = self._by_reference.get(request.reference) or self._stored(request.reference)
        if found is None:
            return None
        digest, earlier = found
        if digest != request.digest:
            taken = earlier.document
            raise ReferenceTaken(unit=self.head.unit_name, reference=request.reference, icv=taken.icv, uuid=taken.uuid)
        return IssuedDocument(earlier.document, earlier.xml, repeated=True)

    def _stored(self, reference: str) -> tuple[str | None, IssuedDocument] | None:
        row = self._connection.execute(
            select(_document).where(_document.c.unit_id == self.head.unit_id, _document.c.reference == reference)
        ).one_or_none()
        if row is None:
            return None
        earlier = documents.from_row(row)
        return row.content_digest, IssuedDocument(earlier, documents.stamped_xml(self._connection, earlier.id))


def _require_place(head: Head, place: ChainPlace, facts: "StampFacts") -> None:
    for field, found, allowed in (
        ("uuid", facts.uuid, place.uuid),
        ("counter (KSA-16)", facts.icv, str(place.counter)),
        ("previous hash (KSA-13)", facts.pih, place.previous_hash),
    ):
        if found != allowed:
            raise ChainPlaceMismatch(unit=head.unit_name, field=field, found=str(found), allowed=allowed)


def _new_document(
    document_id: int,
    head: Head,
    generation: Generation,
    place: ChainPlace,
    stamped: Stamped,
    reference: str | None,
    follows: int | None,
    now: datetime,
) -> Document:
    facts = stamped.facts
    deadline = documents.reporting_deadline(facts.issue_date, facts.issue_time, now) if facts.simplified else None
    return Document(
        id=document_id,
        unit_id=head.unit_id,
        generation_id=generation.id,
        icv=place.counter,
        uuid=place.uuid,
        invoice_hash=stamped.invoice_hash,
        previous_hash=place.previous_hash,
        reference=reference,
        profile=Profile.SIMPLIFIED if facts.simplified else Profile.STANDARD,
        type_code=facts.type_code,
        transaction_code=facts.transaction_code,
        issue_date=facts.issue_date,
        issue_time=facts.issue_time,
        payable=facts.payable,
        vat_total=facts.vat_total,
        issued_at=now,
        deadline=deadline,
        state=DocumentState.ISSUED,
        route=Route.REPORTING if facts.simplified else Route.CLEARANCE,
        attempts=0,
        next_attempt_at=None,
        reason=None,
        settled_at=None,
        follows=follows,
    )


def _row(document: Document, digest: str | None, authored: bytes | None) -> dict[str, object]:
    """Return a new document as the database stores it."""
    deadline = document.deadline
    return {
        "id": document.id,
        "unit_id": document.unit_id,
        "generation_id": document.generation_id,
        "icv": document.icv,
        "uuid": document.uuid,
        "invoice_hash": document.invoice_hash,
        "previous_hash": document.previous_hash,
        "reference": document.reference,
        "content_digest": digest,
        "profile": document.profile.value,
        "type_code": document.type_code,
        "transaction_code": document.transaction_code,
        "issue_date": document.issue_date,
        "issue_time": document.issue_time,
        "payable": document.payable,
        "vat_total": document.vat_total,
        "issued_at": schema.moment_text(document.issued_at),
        "deadline": None if deadline is None else schema.moment_text(deadline),
        "state": document.state.value,
        "route": document.route.value,
        "attempts": document.attempts,
        "follows": document.follows,
        "authored": authored,
    }
