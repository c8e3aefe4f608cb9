"""Claims: one sender per document at a time, dead senders detected, late outcomes fenced off."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from khatm.clock import ShiftableClock
from khatm.ledger import claims
from khatm.ledger.claims import LEASE
from khatm.ledger.documents import DocumentState
from khatm.ledger.errors import ClaimLost
from khatm.ledger.exchanges import Exchange
from khatm.ledger.ledger import Ledger
from tests.unit.ledger_stage import START, fresh_ledger, ready_ledger, simplified

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


def test_a_claim_keeps_others_away_until_its_outcome(tmp_path: Path, clock: ShiftableClock) -> None:
    with ready_ledger(tmp_path, clock) as ledger, fresh_ledger(tmp_path, clock) as other:
        document = ledger.issue("till-1", simplified).document
        claim = ledger.claim(document)
        assert claim is not None
        assert other.claim(document) is None
        assert ledger.claim(document) is None
        settled = ledger.record_outcome(claim, DocumentState.ACCEPTED, exchange=evidence(ledger))
        assert (settled.state, settled.attempts) == (DocumentState.ACCEPTED, 1)
        assert other.exchanges(document) == [evidence(ledger)]
        # A decided document is nobody's to send.
        assert other.claim(document) is None
        with pytest.raises(ClaimLost):
            ledger.record_outcome(claim, DocumentState.REJECTED)


def test_a_released_or_waiting_document_may_be_claimed_again(tmp_path: Path, clock: ShiftableClock) -> None:
    with ready_ledger(tmp_path, clock) as ledger, fresh_ledger(tmp_path, clock) as other:
        document = ledger.issue("till-1", simplified).document
        first = ledger.claim(document)
        assert first is not None
        ledger.release_claim(first)
        second = other.claim(document)
        assert second is not None
        assert second.number > first.number
        other.record_outcome(second, DocumentState.WAITING, reason="lost", next_attempt_at=START)
        assert ledger.document(document.uuid).reason == "lost"
        assert ledger.claim(document) is not None


def test_a_claim_ends_with_its_lease_and_the_late_outcome_is_fenced_off(tmp_path: Path, clock: ShiftableClock) -> None:
    with ready_ledger(tmp_path, clock) as ledger, fresh_ledger(tmp_path, clock) as other:
        document = ledger.issue("till-1", simplified).document
        slow = ledger.claim(document)
        assert slow is not None
        clock.advance(LEASE - timedelta(seconds=1))
        assert other.claim(document) is None
        ledger.extend_claim(slow)
        clock.advance(timedelta(seconds=2))
        assert other.claim(document) is None
        clock.advance(LEASE)
        quick = other.claim(document)
        assert quick is not None
        for late in (
            lambda: ledger.record_outcome(slow, DocumentState.REJECTED, exchange=evidence(ledger)),
            lambda: ledger.record_attempt(slow, evidence(ledger)),
            lambda: ledger.extend_claim(slow),
        ):
            with pytest.raises(ClaimLost) as refusal:
                late()
            assert refusal.value.exit_code == 3
        ledger.release_claim(slow)  # which is not its claim any more, and stays the other's
        assert ledger.claim(document) is None
        assert other.exchanges(document) == []
        other.record_outcome(quick, DocumentState.ACCEPTED)


def test_the_claim_of_a_dead_process_is_taken_over_at_once(tmp_path: Path, clock: ShiftableClock) -> None:
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from khatm.clock import FixedClock\n"
        "from tests.unit.ledger_stage import START, fresh_ledger\n"
        "ledger = fresh_ledger(Path(sys.argv[1]), FixedClock(START))\n"
        "assert ledger.claim(ledger.document_at('till-1', 1)) is not None\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with ready_ledger(tmp_path, clock) as ledger:
        document = ledger.issue("till-1", simplified).document
        child = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, timeout=60, check=False)
        assert child.returncode == -9
        assert ledger.claim(document) is not None


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
        claim = ledger.claim(document)
        assert claim is not None
        ledger.release_claim(claim)
        with pytest.raises(ClaimLost):
            ledger.record_outcome(claim, DocumentState.WAITING, stop_reason="401")
        assert ledger.unit("till-1").stopped_reason is None
