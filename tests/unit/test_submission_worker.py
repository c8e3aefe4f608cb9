"""The worker inside one process: what it picks up, what keeps it going, and when it ends by itself."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from khatm.gateway.transport import WireAnswer, WireRequest
from khatm.ledger.documents import DocumentState
from khatm.ledger.ledger import Ledger
from khatm.ledger.store_errors import LedgerBusy
from khatm.ledger.units import Unit
from khatm.submission.dispatch import Until
from khatm.submission.dispatch.embedded import EmbeddedDispatch
from khatm.submission.report import DocumentResult
from khatm.submission.worker import Worker
from tests.unit.ledger_stage import add_unit, make_live, simplified, standard
from tests.unit.submission_stage import LOST, TIMEOUT_PAGE, UNAUTHORIZED, Authority, Office, accepted


class Sending:
    """A worker on an office's ledger, and what it told."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.results: list[DocumentResult] = []
        self.troubles: list[tuple[str | None, Exception]] = []
        self.worker = Worker(office.ledger, office.gateway, office.clock, self.results.append, self._trouble)

    def _trouble(self, unit: Unit | None, error: Exception) -> None:
        self.troubles.append((None if unit is None else unit.name, error))

    def run(self, until: Until = Until.IDLE, jobs: int = 2) -> None:
        with self.worker:
            EmbeddedDispatch(self.worker, jobs, sweep=0.05).run(until)

    @property
    def states(self) -> set[DocumentState]:
        ledger = self.office.ledger
        return {document.state for unit in ledger.units() for document in ledger.documents(unit)}


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def more_units(office: Office, number: int) -> None:
    for index in range(2, number + 1):
        add_unit(office.ledger, f"till-{index}")
        make_live(office.ledger, f"till-{index}")


def until_true(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_units_are_sent_for_side_by_side(office: Office) -> None:
    more_units(office, 3)
    for unit in office.ledger.units():
        office.ledger.issue(unit.name, simplified)
    together = threading.Barrier(3)

    def wait_for_the_others(request: WireRequest) -> WireAnswer:
        together.wait(30)  # breaks unless three calls are under way at the same time
        return accepted(request)

    office.authority.script = [wait_for_the_others] * 3
    sending = Sending(office)
    sending.run(jobs=3)
    assert sending.states == {DocumentState.ACCEPTED}
    assert sending.troubles == []


def test_idle_waits_for_retries_and_swept_does_not(office: Office) -> None:
    office.ledger.issue("till-1", simplified)
    office.authority.script = [TIMEOUT_PAGE]
    swept = Sending(office)
    swept.run(Until.SWEPT)
    assert swept.states == {DocumentState.WAITING}
    later = threading.Timer(0.3, office.later, [5])
    later.start()
    idle = Sending(office)
    idle.run(Until.IDLE)
    assert idle.states == {DocumentState.ACCEPTED}
    later.join()


def test_idle_does_not_wait_for_what_only_somebody_can_mend(office: Office) -> None:
    office.ledger.issue("till-1", simplified)
    office.authority.script = [UNAUTHORIZED]
    sending = Sending(office)
    sending.run(Until.IDLE)
    assert sending.states == {DocumentState.WAITING}
    assert office.ledger.unit("till-1").stopped_reason is not None


def test_what_is_issued_while_it_works_is_sent_at_once_when_announced(office: Office) -> None:
    sending = Sending(office)
    dispatch = EmbeddedDispatch(sending.worker, 1, sweep=60.0)
    with sending.worker:
        thread = threading.Thread(target=dispatch.run)
        thread.start()
        office.ledger.issue("till-1", standard)
        dispatch.announce("till-1")
        until_true(lambda: len(sending.results) == 1)
        dispatch.stop()
        thread.join(30)
    assert not thread.is_alive()
    assert sending.states == {DocumentState.ACCEPTED}


def test_a_trouble_of_one_unit_is_told_and_does_not_stop_the_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    more_units(office, 2)
    for unit in office.ledger.units():
        office.ledger.issue(unit.name, simplified)
    first, claim = office.ledger.unit("till-1"), Ledger.claim_unit
    refusals = [LedgerBusy(place="here", waited=20.0)]

    def busy_once(self: Ledger, unit: Unit, lease: float) -> object:
        if unit.id == first.id and refusals:
            raise refusals.pop()
        return claim(self, unit, lease)

    monkeypatch.setattr(Ledger, "claim_unit", busy_once)
    monkeypatch.setattr("khatm.submission.worker._REST", 0.1)
    sending = Sending(office)
    sending.run(Until.IDLE)
    assert [(unit, type(error)) for unit, error in sending.troubles] == [("till-1", LedgerBusy)]
    assert sending.states == {DocumentState.ACCEPTED}


def test_a_fault_of_ours_is_told_and_its_unit_rests(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    more_units(office, 2)
    for unit in office.ledger.units():
        office.ledger.issue(unit.name, simplified)
    send = Authority.send

    def break_down(self: Authority, request: WireRequest) -> WireAnswer:
        if not self.received:
            self.received.append(None)  # type: ignore[arg-type]
            raise ZeroDivisionError
        return send(self, request)

    monkeypatch.setattr(Authority, "send", break_down)
    sending = Sending(office)
    with sending.worker:
        dispatch = EmbeddedDispatch(sending.worker, 1, sweep=0.05)
        thread = threading.Thread(target=dispatch.run)
        thread.start()
        until_true(lambda: len(sending.results) == 1 and len(sending.troubles) == 1)
        dispatch.stop()
        thread.join(30)
    assert isinstance(sending.troubles[0][1], ZeroDivisionError)
    assert sending.states == {DocumentState.ACCEPTED, DocumentState.ISSUED}


def test_a_unit_with_very_much_to_send_lets_the_others_have_their_turn(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    more_units(office, 2)
    for _ in range(40):
        office.ledger.issue("till-1", simplified)
    monkeypatch.setattr("khatm.submission.worker.TURN", 0.2)
    sending = Sending(office)
    begun = threading.Event()

    def slow(request: WireRequest) -> WireAnswer:
        begun.set()
        time.sleep(0.03)
        return accepted(request)

    office.authority.script = [slow] * 41
    with sending.worker:
        dispatch = EmbeddedDispatch(sending.worker, 1, sweep=0.05)
        thread = threading.Thread(target=dispatch.run, args=(Until.IDLE,))
        thread.start()
        assert begun.wait(30)
        office.ledger.issue("till-2", simplified)
        thread.join(60)
    order = [result.unit for result in sending.results]
    assert len(order) == 41
    assert order.index("till-2") < 40, "the small unit waited for the whole backlog of the large one"


def test_a_unit_held_back_by_its_own_order_is_not_claimed_again_and_again(tmp_path: Path) -> None:
    office = Office(tmp_path, still=True)
    for _ in range(3):
        office.ledger.issue("till-1", simplified)
    office.authority.script = [LOST]
    office.submit()
    ready = Sending(office).worker.ready_units()
    assert ready == []
    office.ledger.issue("till-1", standard)
    assert [unit.name for unit in Sending(office).worker.ready_units()] == ["till-1"]
