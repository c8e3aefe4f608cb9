"""Two submitters at once, and a submitter that dies between sending and storing."""

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

from khatm.gateway.client import Gateway
from khatm.gateway.transport import WireAnswer, WireRequest
from khatm.ledger.documents import DocumentState
from khatm.submission.outbox import submit_due
from tests.unit.ledger_stage import fresh_ledger, simplified, standard
from tests.unit.submission_stage import CLEARED_BEFORE, DUPLICATE, Authority, Office, accepted

ROOT = Path(__file__).resolve().parents[2]


def test_a_document_on_its_way_is_not_sent_by_a_second_submitter(tmp_path: Path) -> None:
    office = Office(tmp_path)
    issued = [office.ledger.issue("till-1", writer).document.uuid for writer in (simplified, simplified, standard)]
    on_its_way, go_on = threading.Event(), threading.Event()

    def slow(request: WireRequest) -> WireAnswer:
        on_its_way.set()
        assert go_on.wait(30)
        return accepted(request)

    office.authority.script = [slow]
    first = threading.Thread(target=office.submit)
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
    # The second report keeps its order behind the one on its way; clearance waits for nobody.
    assert [one.uuid for one in second_authority.received] == [issued[2]]
    assert (report.accepted, report.waiting, report.exit_code) == (1, 2, 3)
    assert [one.uuid for one in office.authority.received] == [issued[0], issued[1]]
    assert {one.state for one in office.ledger.documents("till-1")} == {DocumentState.ACCEPTED}


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
    office.authority.script = [DUPLICATE, CLEARED_BEFORE]
    report = office.submit()
    assert (report.accepted, report.exit_code) == (2, 0)
    assert office.authority.received[0].body == (tmp_path / "sent").read_bytes()
    assert [one.xml for one in office.authority.received] == [one.xml for one in issued]
    # The authority had cleared it earlier and sent no copy this time: done all the same.
    assert office.ledger.cleared_xml(issued[1].document) is None


def _die_after_sending(home: Path, sent: Path) -> None:
    class Deadly(Authority):
        def send(self, request: WireRequest) -> WireAnswer:
            sent.write_bytes(request.body)
            os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError

    from khatm.clock import FixedClock
    from tests.unit.ledger_stage import START

    ledger = fresh_ledger(home, FixedClock(START))
    submit_due(ledger, lambda unit: Gateway(unit.environment, transport=Deadly()), FixedClock(START))


if __name__ == "__main__":
    _die_after_sending(Path(sys.argv[1]), Path(sys.argv[2]))
