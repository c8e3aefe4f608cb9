"""Guided correction: the follow-up of a document, drafted from what the document was written from.

A rejected document never existed for tax: it is issued anew, corrected, and keeps its own place in the chain. An
accepted one is never changed: a credit or debit note that names it does that. Source: the gateway contract 8.4 and 9,
the document standard 15.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from khatm.ledger.documents import REFUSED, UNSENT, Document
from khatm.ledger.events import EventKind
from khatm.ledger.kept_input import unpack
from khatm.ledger.ledger import Ledger
from khatm.ledger.sending_errors import FollowedUndecided
from khatm.submission.errors import AcceptedNeedsNote, InputNotKept, RefusedNeedsNoNote
from khatm.submission.retelling import outcome_of

if TYPE_CHECKING:
    from khatm.gateway.messages import Message
    from khatm.rules.catalogue import Entry

FollowUpKind = Literal["invoice", "credit_note", "debit_note"]

_NOTES = {"credit_note": "CN", "debit_note": "DN"}
_MOMENTS = ("issue_date", "issue_time")
"""Those of the first document; a new one has its own."""
_NOT_ON_NOTES = ("prepayments", "rounding", "round_to")
_LONGEST_NUMBER = 127


@dataclass(frozen=True, slots=True)
class Objection:
    """One error of the authority, with what the catalogue knows about its code (None if nothing)."""

    code: str | None
    text: str | None
    entry: "Entry | None"


@dataclass(frozen=True, slots=True)
class Draft:
    """A follow-up in the authoring format, to be looked at, mended and issued; nothing is issued yet."""

    unit: str
    document: Document
    kind: str
    content: dict[str, object]
    objections: tuple[Objection, ...]
    left_out: tuple[str, ...]
    """Members of the first document that the draft does not repeat."""


def draft_follow_up(ledger: Ledger, uuid: str, as_kind: FollowUpKind | None = None) -> Draft:
    """Draft the document that corrects or changes another one, and write down that this was done.

    Raises UnknownDocument, FollowedUndecided, AcceptedNeedsNote, RefusedNeedsNoNote, InputNotKept.
    """
    document = ledger.document(uuid)
    if document.state in UNSENT:
        raise FollowedUndecided(uuid=uuid, state=document.state.value)
    kept = ledger.authored(document)
    if kept is None:
        raise InputNotKept(uuid=uuid)
    first = unpack(kept)
    kind = _kind(document, str(first["kind"]), as_kind)
    if document.state in REFUSED:
        content, left_out = _without(first, _MOMENTS)
        content["kind"] = kind
    else:
        content, left_out = _note(first, document, kind, len(ledger.followers(document)))
    content["follows"] = document.uuid
    unit = next(each for each in ledger.units() if each.id == document.unit_id)
    ledger.record_event(EventKind.CORRECTION_DRAFTED, {"as": kind}, unit_id=unit.id, document_id=document.id)
    return Draft(unit.name, document, kind, content, _objections(ledger, document), left_out)


def _kind(document: Document, first: str, wanted: FollowUpKind | None) -> str:
    if document.state in REFUSED:
        if wanted in _NOTES and first not in _NOTES:
            raise RefusedNeedsNoNote(uuid=document.uuid, state=document.state.value)
        return first if wanted is None or wanted == "invoice" else wanted
    if wanted not in _NOTES:
        raise AcceptedNeedsNote(uuid=document.uuid)
    return wanted


def _without(content: dict[str, object], names: tuple[str, ...]) -> tuple[dict[str, object], tuple[str, ...]]:
    left_out = tuple(name for name in names if content.get(name) is not None)
    return {name: value for name, value in content.items() if name not in names}, left_out


def _note(
    first: dict[str, object], document: Document, kind: str, earlier: int
) -> tuple[dict[str, object], tuple[str, ...]]:
    """Return a note over all of an accepted document, for its author to cut down to what changes."""
    content, left_out = _without(first, (*_MOMENTS, *_NOT_ON_NOTES))
    number = str(first["number"])
    suffix = f"-{_NOTES[kind]}{earlier + 1 if earlier else ''}"
    content["kind"] = kind
    content["number"] = number[: _LONGEST_NUMBER - len(suffix)] + suffix
    content["references"] = [{"number": number, "issue_date": document.issue_date}]
    content["reasons"] = [f"Change of document {number} | تعديل المستند {number}"]
    return content, left_out


def _objections(ledger: Ledger, document: Document) -> tuple[Objection, ...]:
    last = ledger.last_exchange(document)
    return () if last is None else tuple(_explained(message) for message in outcome_of(last).errors)


def _explained(message: "Message") -> Objection:
    from khatm.rules.catalogue import explain

    entry = None if message.code is None else explain(message.code)
    return Objection(message.code, message.message, entry)
