"""The grader: sees every exchange of one run, provokes what the plan holds, and knows how each case stands."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

from khatm.environment import Environment
from khatm.simulator.exchange import Request
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.faults import EndpointName, Struck
from khatm.simulator.grading.board import Board, Mark, State
from khatm.simulator.grading.books import Books, is_submission
from khatm.simulator.grading.cases import CASES, Case
from khatm.simulator.grading.chains import Chains
from khatm.simulator.grading.follow_up import FollowUp
from khatm.simulator.grading.observations import Observations
from khatm.simulator.grading.onboarding_follow_ups import RightTemplate
from khatm.simulator.grading.provocations import Provocations
from khatm.simulator.grading.reactions import begun_by
from khatm.simulator.grading.sighting import Sighting, sighting_of
from khatm.simulator.recorder import Exchange

_log = logging.getLogger(__name__)
_MOST_WATCHED = 10
"""Of the cases that traffic itself begins again and again, so many instances are watched."""


@dataclass(frozen=True, slots=True)
class Grade:
    """How a client did, as of one moment."""

    final: bool
    """Whether it is judged as if nothing more came."""
    began_at: datetime
    at: datetime
    marks: dict[str, Mark]
    broken: bool
    """Whether the grader itself has failed on a call, so that no pass can be relied on."""

    def cases(self, state: State) -> list[Case]:
        """Return the cases in a state, in order."""
        return [each for each in CASES if self.marks[each.id].state == state]

    def count(self, state: State) -> int:
        """Return how many cases are in a state."""
        return len(self.cases(state))

    @property
    def exit_code(self) -> int:
        """1 if a case failed; 3 if one is undecided, none was exercised, or the grader failed; else 0."""
        if self.count("failed"):
            return 1
        return 3 if self.count("undecided") or not self.count("passed") or self.broken else 0


class Grader:
    """Grades whatever client calls a simulator, until it is told to begin anew."""

    def __init__(
        self,
        fatoora: Fatoora,
        cases: Collection[str] | None = None,
        tick: Callable[[], float] = time.monotonic,
    ) -> None:
        """`cases` are those to provoke, None for all; what is seen in normal traffic is always judged.

        `tick` gives seconds of real time on a scale of its own.
        """
        self._fatoora = fatoora
        self._cases = cases
        self._tick = tick
        self._lock = threading.RLock()
        self.changed = threading.Event()
        """Set with every change, for whoever writes reports and clears it."""
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget everything: another client comes."""
        with self._lock:
            self._began_at = self._fatoora.clock.now()
            self._board = Board()
            self._books = Books()
            self._chains = Chains(self._board, self._books)
            self._observations = Observations(self._fatoora, self._board)
            self._provocations = Provocations(self._fatoora, self._cases)
            self._follow_ups: list[FollowUp] = []
            self._lanes: dict[tuple[EndpointName, object], FollowUp | str] = {}
            self._watched: Counter[str] = Counter()
            self._broken = False
            self.changed.set()

    def provoke(self, environment: Environment, endpoint: EndpointName, request: Request) -> Struck | None:
        """Return what is done to a call that has just come in, None to let it pass."""
        try:
            with self._lock:
                return self._provoked(environment, endpoint, request)
        except Exception:
            self._fail()
            return None

    def observe(self, number: int, exchange: Exchange) -> None:
        """Look at an exchange; what it means for the cases is known when this returns."""
        try:
            with self._lock:
                self._observed(sighting_of(self._fatoora, number, exchange, self._tick()))
        except Exception:
            self._fail()

    def grade(self, *, final: bool = False) -> Grade:
        """Return how the client does; `final` judges what is still open as if nothing more came."""
        with self._lock:
            marks = self._board.marks()
            if final:
                self._close(marks)
            now = self._fatoora.clock.now()
            return Grade(final, self._began_at, now, marks, self._broken)

    def _provoked(self, environment: Environment, endpoint: EndpointName, request: Request) -> Struck | None:
        call = self._provocations.arriving(environment, endpoint, request)
        if call is None:
            return None
        lane = (endpoint, call.subject)
        waiting = self._lanes.get(lane)
        if isinstance(waiting, FollowUp) and waiting.strikes_again(call.document_hash):
            return self._provocations.again(waiting.case, call)
        if isinstance(waiting, str) or (waiting is not None and waiting.holds):
            return None
        if is_known(self._books, call.subject, call.document_hash):
            return None
        struck = self._provocations.next(call)
        if struck is not None and struck.case is not None:
            self._lanes[lane] = struck.case
        return struck

    def _observed(self, sighting: Sighting) -> None:
        before = self._board.version
        for each in self._follow_ups:
            each.see(sighting)
        self._observations.see(sighting)
        self._chains.see(sighting)
        self._template(sighting)
        for follow_up in self._begun(sighting):
            self._follow_ups.append(follow_up)
        self._follow_ups = [each for each in self._follow_ups if not each.ended]
        if self._board.version != before:
            self.changed.set()

    def _begun(self, sighting: Sighting) -> list[FollowUp]:
        """Return what this exchange begins; a provocation that missed is put back."""
        lane = self._lane_of(sighting)
        if sighting.case is not None and self._lanes.get(lane) == sighting.case:
            del self._lanes[lane]
            if sighting.case == "warnings" and sighting.sent != 202:
                self._provocations.put_back(sighting.case)
        elif sighting.case is not None:
            return []  # one more strike of a case that is being watched
        book = None
        if is_submission(sighting) and sighting.credential is not None:
            book = self._books.of(sighting.credential.device_id)
        begun = []
        for case, make in begun_by(sighting):
            self._watched[case] += 1
            if self._watched[case] <= _MOST_WATCHED:
                begun.append(make(self._board, case, sighting, book))
        own = next((each for each in begun if each.case == sighting.case), None)
        if own is not None:
            self._lanes[lane] = own
        return begun

    def _lane_of(self, sighting: Sighting) -> tuple[EndpointName, object]:
        assert sighting.endpoint is not None or sighting.case is None
        subject = sighting.vat_number if sighting.endpoint == "compliance_csid" else sighting.device
        return (sighting.endpoint or "compliance_csid", subject)

    def _template(self, sighting: Sighting) -> None:
        """Compare a CSR's template with its environment's, where the authority looks at it."""
        csr, environment = sighting.csr, sighting.environment
        if csr is None or environment is None or not self._fatoora.switches(environment).template_check:
            return
        if csr.template == environment.csr_template:
            if self._board.mark("csr-template").state == "not_exercised":
                self._board.passed("csr-template", "template_right", sighting, found=csr.template)
        elif not any(isinstance(each, RightTemplate) for each in self._follow_ups):
            self._follow_ups.append(RightTemplate(self._board, "csr-template", sighting))

    def _close(self, marks: dict[str, Mark]) -> None:
        for case, outcome in (
            *((each.case, each.closing()) for each in self._follow_ups),
            ("counter", self._chains.closing()),
        ):
            if outcome is None or marks[case].state == "failed":
                continue
            state, finding, facts = outcome
            if state == "failed" or marks[case].state == "undecided":
                marks[case] = replace(marks[case], state=state, finding=finding, facts=facts)

    def _fail(self) -> None:
        _log.exception("the grader failed on a call")
        self._broken = True
        self.changed.set()


def is_known(books: Books, device: object, document_hash: str | None) -> bool:
    """Tell whether a unit has sent this document before: provocations are for new ones."""
    return isinstance(device, int) and document_hash is not None and document_hash in books.of(device).documents
