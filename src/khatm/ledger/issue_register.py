"""Issue: documents of one caller or of many take their places, acknowledged only after a commit on disk."""

from collections.abc import Sequence
from dataclasses import replace

from khatm.ledger import units
from khatm.ledger.documents import IssuedDocument
from khatm.ledger.errors import LedgerError
from khatm.ledger.generations import Generation
from khatm.ledger.group import Lane
from khatm.ledger.head_record import RecordedHead
from khatm.ledger.issue import Answer, IssueRequest, Write, issue_together
from khatm.ledger.issue_rows import Head
from khatm.ledger.register import Register
from khatm.ledger.store_errors import LedgerOutcomeUnknown
from khatm.ledger.units import Unit


class IssueRegister(Register):
    """The part of the ledger that issues documents; callers in several threads share commits."""

    def issuing(self, unit_name: str) -> tuple[Unit, Generation | None]:
        """Return a unit and its live generation as they stand just now. Raises UnknownUnit."""
        with self._store.read() as connection:
            unit = units.at_once(connection, unit_name)
            return unit, self._live.of_unit(connection, unit.id)

    def issue(
        self,
        unit_name: str,
        write: Write,
        *,
        reference: str | None = None,
        content_digest: str | None = None,
        follows: str | None = None,
        authored: bytes | None = None,
    ) -> IssuedDocument:
        """Issue one document: take the next place of the unit's chain, write and stamp, store, advance, commit.

        `write` gets the place and the live generation and gives back the stamped document; what it raises passes
        through and uses nothing up. With a `reference` (which needs the `content_digest` of what was asked for, see
        `documents.content_digest`) a repetition gives back the first document. `follows` and `authored`: see
        `IssueRequest`. Raises UnknownUnit, NoLiveCredentials, UnknownDocument, FollowedUndecided, AlreadyFollowed,
        ReferenceTaken, ChainHeadReplaced, LedgerBusy, LedgerUnwritable, LedgerUnreachable, LedgerOutcomeUnknown.
        """
        request = IssueRequest(
            unit_name,
            write,
            reference=reference,
            content_digest=content_digest,
            follows=follows,
            authored=authored,
        )
        self._lane(unit_name).submit(request)
        return request.answer()

    def issue_all(self, requests: Sequence[IssueRequest]) -> list[Answer]:
        """Issue documents of one unit in the order given, many to a commit; return each document or its error.

        One that fails stops no other; what concerns them all, such as LedgerBusy, is the answer of each.
        """
        if requests:
            self._lane(requests[0].unit_name).submit(*requests)
        return [_answer(request) for request in requests]

    def recorded_head(self, unit: Unit | str) -> RecordedHead | None:
        """Return what the head record remembers of a unit's last document, None if nothing. Raises UnknownUnit."""
        with self._store.read() as connection:
            return self._record.of_unit(connection, units.find(connection, unit).id)

    def accept_head(self, unit: Unit | str) -> Unit:
        """Take a unit's chain as it stands in the database for the true one, whatever the head record remembers.

        The way on after an older copy was put back knowingly; documents issued after that copy lose their places to
        new ones. Raises UnknownUnit, LedgerNoAccess.
        """
        with self._store.write() as connection:
            found = units.locked(connection, unit)
            self._record.accept(connection, Head(found.id, found.name, found.next_icv, found.last_hash))
            return found

    def _lane(self, unit_name: str) -> Lane[IssueRequest]:
        name = unit_name if self._store.writers_per_unit else ""
        found = self._lanes.get(name)
        return found if found is not None else self._lanes.setdefault(name, Lane(self._serve))

    def _serve(self, requests: Sequence[IssueRequest]) -> None:
        """Settle requests: those that can be issued together, and what went wrong for each of the others."""
        try:
            self._issue_together(requests)
        except LedgerError as error:
            for request in requests:
                request.fail(replace(error))
        except Exception as error:
            if len(requests) == 1:
                requests[0].fail(error)
                return
            # Something about one of them: alone, each gets what is its own.
            for request in requests:
                self._serve((request,))

    def _issue_together(self, requests: Sequence[IssueRequest]) -> None:
        committing = False
        try:
            with self._store.write() as connection:
                answers, heads = issue_together(connection, requests, self._live, self._record, self._clock.now())
                committing = True
        except (KeyboardInterrupt, SystemExit):
            # Before the commit nothing is left of it, and the next leader serves the others.
            if committing:
                for request in requests:
                    request.fail(LedgerOutcomeUnknown(place=self._store.place, reason="interrupted"))
            raise
        self._record.note(heads)
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, Exception):
                request.fail(answer)
            else:
                request.settle(answer)


def _answer(request: IssueRequest) -> Answer:
    try:
        return request.answer()
    except Exception as error:
        return error
