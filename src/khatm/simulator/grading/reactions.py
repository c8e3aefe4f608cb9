"""Which case an exchange begins: what was done to the client, or what the authority said, and what must follow."""

from collections.abc import Callable, Iterator

from khatm.simulator.grading.board import Board
from khatm.simulator.grading.books import Book, is_submission
from khatm.simulator.grading.document_follow_ups import (
    PAUSE,
    RETRY_AFTER,
    KeepsPlace,
    NotAgain,
    ReportedInstead,
    SameBytes,
    StopsSending,
)
from khatm.simulator.grading.follow_up import FollowUp
from khatm.simulator.grading.onboarding_follow_ups import (
    NewPcsid,
    RenewalSteps,
    RunsMissingSteps,
    SameOtp,
    SamePcsidRequest,
    StepAgain,
    StepDone,
)
from khatm.simulator.grading.provocations import last_step, provocation_of
from khatm.simulator.grading.sighting import Sighting

Make = Callable[[Board, str, Sighting, Book | None], FollowUp]


def begun_by(sighting: Sighting) -> Iterator[tuple[str, Make]]:
    """Yield each case that an exchange begins, with what makes its follow-up."""
    if sighting.case in _PROVOKED and not (sighting.case == "warnings" and sighting.sent != 202):
        assert sighting.case is not None
        yield sighting.case, _PROVOKED[sighting.case]
    yield from _by_answer(sighting)


def _by_answer(sighting: Sighting) -> Iterator[tuple[str, Make]]:
    sent = sighting.sent
    if is_submission(sighting):
        if sent == 409 and sighting.endpoint == "reporting":
            yield "already-reported", _settled
        if sent == 208 and sighting.endpoint == "clearance":
            yield "already-cleared", _settled
        if sent == 303 and sighting.case is None:
            yield "clearance-off", _instead
        if sent == 202 and sighting.case is None:
            yield "warnings", _settled
        if sent == 400 and sighting.exchange.verdict == "rejected":
            if sighting.case is None:
                yield _REJECTED[sighting.endpoint or "reporting"], _rejected
            yield "rejected-keeps-place", _keeps_place
    elif sighting.exchange.verdict == "step_done" and sent == 406 and sighting.device is not None:
        yield "step-done-before", _plain(StepDone)
    elif sent == 428 and sighting.given is not None:
        yield "renewal-steps", _plain(RenewalSteps)
    elif sent == 200 and sighting.given is not None and sighting.given.kind == "pcsid" and _renews(sighting):
        yield "renewal-switch", _plain(NewPcsid)


def _renews(sighting: Sighting) -> bool:
    return sighting.given is not None and sighting.given.predecessor_id is not None


def _plain(kind: Callable[[Board, str, Sighting], FollowUp]) -> Make:
    return lambda board, case, begun, _: kind(board, case, begun)


def _same_bytes(pause: float = 0.0) -> Make:
    def make(board: Board, case: str, begun: Sighting, book: Book | None) -> FollowUp:
        return SameBytes(board, case, begun, _held(book), pause=pause, strikes=provocation_of(case).strikes)

    return make


def _settled(board: Board, case: str, begun: Sighting, book: Book | None) -> FollowUp:
    return NotAgain(board, case, begun, _held(book))


def _rejected(board: Board, case: str, begun: Sighting, book: Book | None) -> FollowUp:
    return NotAgain(board, case, begun, _held(book), may_correct=True)


def _keeps_place(board: Board, case: str, begun: Sighting, book: Book | None) -> FollowUp:
    return KeepsPlace(board, case, begun, _held(book))


def _instead(board: Board, case: str, begun: Sighting, book: Book | None) -> FollowUp:
    return ReportedInstead(board, case, begun, _held(book))


def _missing(board: Board, case: str, begun: Sighting, _book: Book | None) -> FollowUp:
    assert begun.credential is not None
    return RunsMissingSteps(board, case, begun, last_step(begun.credential))


def _held(book: Book | None) -> Book:
    assert book is not None
    return book


_PROVOKED: dict[str | None, Make] = {
    "ccsid-answer-lost": _plain(SameOtp),
    "check-answer-lost": _plain(StepAgain),
    "missing-steps": _missing,
    "pcsid-answer-lost": _plain(SamePcsidRequest),
    "report-lost-before": _same_bytes(),
    "report-answer-lost": _same_bytes(),
    "too-many-requests": _same_bytes(pause=RETRY_AFTER),
    "server-error": _same_bytes(pause=PAUSE),
    "unavailable": _same_bytes(pause=PAUSE),
    "answer-cut-off": _same_bytes(),
    "warnings": _settled,
    "report-rejected": _rejected,
    "unauthorized": _plain(StopsSending),
    "clearance-answer-lost": _same_bytes(),
    "gateway-timeout": _same_bytes(pause=PAUSE),
    "clearance-off": _instead,
    "clearance-rejected": _rejected,
    "renewal-answer-lost": _plain(SameOtp),
}
_REJECTED = {"reporting": "report-rejected", "clearance": "clearance-rejected"}
