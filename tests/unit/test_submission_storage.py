"""A ledger that cannot be written: nothing is sent unclaimed, and an answer that was not stored is asked for again."""

from pathlib import Path

import pytest

from khatm.gateway.client import Gateway
from khatm.ledger.documents import DocumentState
from khatm.ledger.ledger import Ledger
from khatm.ledger.store_errors import LedgerDiskFull, LedgerReadOnly
from khatm.submission.outbox import submit_due
from tests.unit.ledger_stage import fresh_ledger, simplified
from tests.unit.submission_stage import DUPLICATE, Authority, Office


def test_a_read_only_ledger_sends_nothing(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.ledger.issue("till-1", simplified)
    authority = Authority()
    address = f"sqlite:///{tmp_path}/ledger.db?mode=ro"
    with fresh_ledger(tmp_path, office.clock, KHATM_DATABASE_URL=address) as ledger, pytest.raises(LedgerReadOnly):
        submit_due(ledger, lambda unit: Gateway(unit.environment, transport=authority), office.clock)
    assert authority.received == []


def test_an_answer_that_found_no_room_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(tmp_path)
    issued = office.ledger.issue("till-1", simplified).document

    def full(self: Ledger, *_: object, **__: object) -> None:
        raise LedgerDiskFull(place=self.place, reason="database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "record_outcome", full)
        with pytest.raises(LedgerDiskFull):
            office.submit()
    assert office.ledger.document(issued.uuid).state is DocumentState.ISSUED
    office.authority.script = [DUPLICATE]
    assert office.submit().accepted == 1
    first, second = office.authority.received
    assert first.body == second.body
