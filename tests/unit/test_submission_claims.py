"""Two submitters at once, and a submitter that dies between sending and storing."""

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from khatm.gateway.client import Gateway
from khatm.gateway.transport import WireAnswer, WireRequest
from khatm.ledger.documents import DocumentState
from khatm.ledger.sending_errors import ClaimLost
from khatm.submission.claiming import ClaimKeeper
from khatm.submission.outbox import submit_due
from tests.unit.ledger_stage import Writer, add_unit, fresh_ledger, make_live, simplified, standard, tamper
from tests.unit.submission_stage import CLEARED_BEFORE, DUPLICATE, Authority, Office, accepted, by_route, rejected

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.usefixtures("either_store")


def test_a_unit_that_is_being_sent_for_is_left_to_its_sender(tmp_path: Path) -> None:
    office = Office(tmp_path)
    issued = [office.ledger.issue("till-1", simplified).document.uuid for _ in range(2)]
    add_unit(office.ledger, "till-2")
    make_live(office.ledger, "till-2", "second")
    elsewhere = office.ledger.issue("till-2", simplified).document.uuid
    on_its_way, go_on = threading.Event(), threading.Event()

    def slow(request: WireRequest) -> WireAnswer:
        on_its_way.set()
        assert go_on.wait(30)
        return accepted(request)

    office.authority.script = [slow]
    first = threading.Thread(target=lambda: office.submit("till-1"))
    first.start()
    assert on_its_way.wait(30)
    second_authority = Authority()
    with fresh_ledger(tmp_path, office.clock) as other:
        report = submit_due(
            other,
            lambda unit: Gateway(unit.environment, transport=second_authority, clock=office.clock),
            office.clock,
            rng=random.Random(1),
        )
    go_on.set()
    first.join()
    assert [one.uuid for one in second_authority.received] == [elsewhere]
    assert (report.accepted, report.waiting, report.exit_code) == (1, 2, 3)
    assert [one.uuid for one in office.authority.received] == issued
    assert {one.state for one in office.ledger.documents("till-1")} == {DocumentState.ACCEPTED}


@pytest.mark.parametrize(("slow_one", "quick_one"), [(simplified, standard), (standard, simplified)])
def test_a_slow_call_of_one_lane_does_not_hold_the_other_back(
    tmp_path: Path, slow_one: Writer, quick_one: Writer
) -> None:
    office = Office(tmp_path)
    slow = office.ledger.issue("till-1", slow_one).document.uuid
    quick = [office.ledger.issue("till-1", quick_one).document.uuid for _ in range(2)]
    others_done, answers = threading.Event(), 0

    def answer(request: WireRequest) -> WireAnswer:
        nonlocal answers
        if slow in request.body.decode():
            assert others_done.wait(30), "the other lane waited for this call"
        else:
            answers += 1
            if answers == len(quick):
                others_done.set()
        return accepted(request)

    office.authority.script = [answer] * 3
    assert office.submit().accepted == 3


def test_a_claim_lost_on_the_way_ends_the_run_quietly_and_leaves_the_outcome_to_the_other(tmp_path: Path) -> None:
    """What a process meets that was suspended: its answer comes in when the unit has passed to another one."""
    office = Office(tmp_path)
    issued = [office.ledger.issue("till-1", simplified).document for _ in range(2)]
    other_authority = Authority([DUPLICATE])

    def sleep_through_the_lease(request: WireRequest) -> WireAnswer:
        tamper(office.ledger, "UPDATE unit_claim SET expires_at = 0")
        with fresh_ledger(tmp_path, office.clock) as other:
            submit_due(
                other,
                lambda unit: Gateway(unit.environment, transport=other_authority, clock=office.clock),
                office.clock,
            )
        return rejected(request)  # stored, this would be the end of the document

    office.authority.script = [sleep_through_the_lease]
    report = office.submit()
    assert (report.results, report.waiting, report.exit_code) == ([], 0, 0)
    assert len(office.authority.received) == 1
    assert office.authority.received[0].body == other_authority.received[0].body
    assert [one.state for one in office.ledger.documents("till-1")] == [DocumentState.ACCEPTED] * 2
    assert [one.row for one in office.ledger.exchanges(issued[0])] == ["already-reported"]


def test_a_woken_process_asks_before_it_sends(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.ledger.issue("till-1", simplified)
    unit = office.ledger.unit("till-1")
    with ClaimKeeper(office.ledger, lease=1000) as keeper, fresh_ledger(tmp_path, office.clock) as other:
        claim = keeper.take(unit)
        assert claim is not None
        keeper.require(claim)
        office.ledger.release_unit(claim)
        assert other.claim_unit(unit) is not None
        keeper.require(claim)  # signs were given in time: the ledger is not asked, and fences what comes of it
        keeper._sure_until[unit.id] = 0.0  # suspended for longer than the lease
        with pytest.raises(ClaimLost):
            keeper.require(claim)


def test_a_claim_is_kept_while_a_call_takes_longer_than_the_lease(tmp_path: Path) -> None:
    office = Office(tmp_path)
    lease = 0.4
    with ClaimKeeper(office.ledger, lease) as keeper, fresh_ledger(tmp_path, office.clock) as other:
        unit = office.ledger.unit("till-1")
        claim = keeper.take(unit)
        assert claim is not None
        for _ in range(8):
            threading.Event().wait(lease / 4)
            assert other.claim_unit(unit) is None
        keeper.release(claim)
        assert other.claim_unit(unit) is not None


def test_a_killed_submitter_leaves_the_same_bytes_to_the_next(tmp_path: Path) -> None:
    """The child dies when the authority has processed its documents and before it could store the answers."""
    office = Office(tmp_path)
    issued = [office.ledger.issue("till-1", writer) for writer in (simplified, standard)]
    child = subprocess.run(
        [sys.executable, "-m", "tests.unit.test_submission_claims", str(tmp_path), str(tmp_path / "sent")],
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL
    assert [one.attempts for one in office.ledger.documents("till-1")] == [0, 0]
    office.authority.script = [by_route(DUPLICATE, CLEARED_BEFORE)] * 2
    report = office.submit()
    assert (report.accepted, report.exit_code) == (2, 0)
    assert (tmp_path / "sent").read_bytes() in [one.body for one in office.authority.received]
    assert sorted(one.xml for one in office.authority.received) == sorted(one.xml for one in issued)
    # The authority had cleared it earlier and sent no copy this time: done all the same.
    assert office.ledger.cleared_xml(issued[1].document) is None


def _die_after_sending(home: Path, sent: Path) -> None:
    turn = threading.Lock()  # both documents may be on their way; the death of one must not cut the other's bytes short

    class Deadly(Authority):
        def send(self, request: WireRequest) -> WireAnswer:
            with turn:
                sent.write_bytes(request.body)
                os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError

    from khatm.clock import FixedClock
    from tests.unit.ledger_stage import START

    ledger = fresh_ledger(home, FixedClock(START))
    submit_due(ledger, lambda unit: Gateway(unit.environment, transport=Deadly()), FixedClock(START))


if __name__ == "__main__":
    _die_after_sending(Path(sys.argv[1]), Path(sys.argv[2]))
