"""Claims: one sender per unit at a time, dead senders detected, late outcomes fenced off."""

import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from khatm.clock import ShiftableClock
from khatm.ledger import claims
from khatm.ledger.documents import DocumentState
from khatm.ledger.events import EventKind
from khatm.ledger.exchanges import Exchange
from khatm.ledger.ledger import Ledger
from khatm.ledger.sending_errors import ClaimLost, NotSetAside
from tests.unit.ledger_stage import START, add_unit, fresh_ledger, ready_ledger, simplified, tamper

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.usefixtures("either_store")


@pytest.fixture
def clock() -> ShiftableClock:
    clock = ShiftableClock()
    clock.set(START)
    return clock


def evidence(ledger: Ledger) -> Exchange:
    generation = ledger.live_generation("till-1")
    assert generation is not None
    return Exchange(
        call="reporting",
        row="reported",
        verdict="accepted",
        method="POST",
        url="http://127.0.0.1/x",
        request_headers=(("Accept-Version", "V2"),),
        request_body_sha256="0" * 64,
        http_status=200,
        response_headers=(("Content-Type", "application/json"),),
        response_body=b"{}",
        failure=None,
        started_at=START,
        ended_at=START + timedelta(seconds=1),
        generation_id=generation.id,
    )


def test_a_claim_keeps_others_away_until_it_is_given_back(tmp_path: Path, clock: ShiftableClock) -> None:
    with ready_ledger(tmp_path, clock) as ledger, fresh_ledger(tmp_path, clock) as other:
        unit, document = ledger.unit("till-1"), ledger.issue("till-1", simplified).document
        claim = ledger.claim_unit(unit)
        assert claim is not None
        assert (claim.number, claim.taken_from) == (1, None)
        assert other.claim_unit(unit) is None
        assert ledger.claim_unit(unit) is None
        settled = ledger.record_outcome(claim, document, DocumentState.ACCEPTED, exchange=evidence(ledger))
        assert (settled.state, settled.attempts) == (DocumentState.ACCEPTED, 1)
        assert other.exchanges(document) == [evidence(ledger)]
        ledger.release_unit(claim)
        again = other.claim_unit(unit)
        assert again is not None
        assert (again.number, again.taken_from) == (2, None)
        # A decided document stays as it was decided, whoever holds the unit.
        with pytest.raises(ClaimLost):
            other.record_outcome(again, document, DocumentState.REJECTED, exchange=evidence(ledger))
        assert len(other.exchanges(document)) == 1


def test_a_claim_of_one_unit_says_nothing_about_another(tmp_path: Path, clock: ShiftableClock) -> None:
    with ready_ledger(tmp_path, clock) as ledger, fresh_ledger(tmp_path, clock) as other:
        second = add_unit(ledger, "till-2")
        assert ledger.claim_unit(ledger.unit("till-1")) is not None
        assert other.claim_unit(second) is not None


def test_a_claim_ends_with_its_lease_and_what_comes_late_is_fenced_off(tmp_path: Path, clock: ShiftableClock) -> None:
    lease = 0.4
    with ready_ledger(tmp_path, clock) as ledger, fresh_ledger(tmp_path, clock) as other:
        unit, document = ledger.unit("till-1"), ledger.issue("till-1", simplified).document
        slow = ledger.claim_unit(unit, lease)
        assert slow is not None
        # The ledger's clock has no say: it may be shifted, the lease runs on.
        clock.advance(timedelta(days=1))
        assert other.claim_unit(unit) is None
        time.sleep(lease / 2)
        assert ledger.keep_claims([unit.id], lease) == {unit.id}
        time.sleep(lease * 0.6)
        assert other.claim_unit(unit) is None, "the lease was begun anew"
        time.sleep(lease)
        quick = other.claim_unit(unit)
        assert quick is not None
        assert quick.number == slow.number + 1
        assert ledger.keep_claims([unit.id], lease) == frozenset()
        for late in (
            lambda: ledger.record_outcome(slow, document, DocumentState.REJECTED, exchange=evidence(ledger)),
            lambda: ledger.record_attempt(slow, document, evidence(ledger)),
            lambda: ledger.require_claim(slow),
        ):
            with pytest.raises(ClaimLost) as refusal:
                late()
            assert refusal.value.exit_code == 3
        ledger.release_unit(slow)  # which is not its claim any more, and stays the other's
        assert ledger.claim_unit(unit) is None
        assert other.exchanges(document) == []
        other.record_outcome(quick, document, DocumentState.ACCEPTED)
        (event,) = other.events("till-1", kinds=(EventKind.CLAIM_HANDED_OVER,))
        assert (event.facts["former"], event.facts["number"]) == (quick.taken_from, 2)


def test_a_claim_that_its_holder_does_not_know_of_ends_with_its_lease(tmp_path: Path, clock: ShiftableClock) -> None:
    """As when the answer to its commit was lost, or it could not be given back."""
    lease = 0.4
    with ready_ledger(tmp_path, clock) as ledger:
        unknown, known = ledger.unit("till-1"), add_unit(ledger, "till-2")
        assert ledger.claim_unit(unknown, lease) is not None
        assert ledger.claim_unit(known, lease) is not None
        time.sleep(lease / 2)
        assert ledger.keep_claims([known.id], lease) == {known.id}
        time.sleep(lease * 0.7)
        assert ledger.claim_unit(known, lease) is None
        again = ledger.claim_unit(unknown, lease)
        assert again is not None
        assert again.number == 2


def test_an_end_that_no_lease_reaches_was_written_by_a_wrong_clock(tmp_path: Path, clock: ShiftableClock) -> None:
    with ready_ledger(tmp_path, clock) as ledger, fresh_ledger(tmp_path, clock) as other:
        unit = ledger.unit("till-1")
        assert ledger.claim_unit(unit) is not None
        tamper(ledger, "UPDATE unit_claim SET expires_at = expires_at + ?", 86400)  # set a day ahead
        assert other.claim_unit(unit) is not None


def test_the_claim_of_a_dead_process_is_taken_over_at_once(tmp_path: Path, clock: ShiftableClock) -> None:
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from khatm.clock import FixedClock\n"
        "from tests.unit.ledger_stage import START, fresh_ledger\n"
        "ledger = fresh_ledger(Path(sys.argv[1]), FixedClock(START))\n"
        "assert ledger.claim_unit(ledger.unit('till-1'), lease=3600) is not None\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with ready_ledger(tmp_path, clock) as ledger:
        child = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, timeout=60, check=False)
        assert child.returncode == -9
        claim = ledger.claim_unit(ledger.unit("till-1"), lease=3600)
        assert claim is not None
        assert claim.taken_from is not None


def test_a_process_number_that_was_given_away_again_is_no_sign_of_life() -> None:
    mine = claims.owner_name()
    host, pid, birth, tail = mine.split("/")
    assert not claims._is_dead(mine)
    if birth:
        assert claims._is_dead(f"{host}/{pid}/{int(birth) - 1}/{tail}")
    # Of another machine nothing is known; only the lease ends its claim.
    assert not claims._is_dead(f"elsewhere/{pid}/1/{tail}")


def test_no_process_is_asked_for_life_where_asking_would_stop_it(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = claims.owner_name()

    def kill(pid: int, number: int) -> None:
        raise AssertionError("signal 0 is Ctrl-C on Windows")

    monkeypatch.setattr(claims.os, "kill", kill)
    monkeypatch.setattr(claims.sys, "platform", "win32")
    assert not claims._is_dead(mine)


def test_stopping_the_unit_and_the_outcome_are_one_transaction(tmp_path: Path, clock: ShiftableClock) -> None:
    with ready_ledger(tmp_path, clock) as ledger:
        document = ledger.issue("till-1", simplified).document
        claim = ledger.claim_unit(ledger.unit("till-1"))
        assert claim is not None
        ledger.release_unit(claim)
        with pytest.raises(ClaimLost):
            ledger.record_outcome(claim, document, DocumentState.WAITING, stop_reason="401")
        assert ledger.unit("till-1").stopped_reason is None
        assert ledger.events("till-1") == []


def test_stops_and_what_is_set_aside_leave_events(tmp_path: Path, clock: ShiftableClock) -> None:
    with ready_ledger(tmp_path, clock) as ledger:
        first, second = (ledger.issue("till-1", simplified).document for _ in range(2))
        claim = ledger.claim_unit(ledger.unit("till-1"))
        assert claim is not None
        ledger.record_outcome(claim, first, DocumentState.SET_ASIDE, reason="unreadable")
        ledger.record_outcome(claim, second, DocumentState.WAITING, stop_reason="401")
        ledger.resume_unit("till-1")
        ledger.resume_unit("till-1")
        assert [(one.kind, one.document_id) for one in ledger.events("till-1")] == [
            (EventKind.SET_ASIDE, first.id),
            (EventKind.UNIT_STOPPED, second.id),
            (EventKind.UNIT_RESUMED, None),
        ]
        assert ledger.put_back(first).state is DocumentState.WAITING
        assert [one.kind for one in ledger.events(document=first)] == [EventKind.SET_ASIDE, EventKind.PUT_BACK]
        with pytest.raises(NotSetAside) as refusal:
            ledger.put_back(second)
        assert refusal.value.state == "waiting"
        assert [one.kind for one in ledger.events("till-1", limit=1)] == [EventKind.PUT_BACK]
