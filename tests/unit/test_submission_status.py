"""What is not at the authority, why, and in which order; and what it costs does not grow with the archive."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from khatm.environment import Environment
from khatm.ledger.ledger import Ledger
from khatm.submission.status import Obstacle, Status, status_of
from tests.unit.ledger_stage import (
    add_unit,
    make_live,
    plain_document,
    ready_ledger,
    simplified,
    standard,
)
from tests.unit.submission_stage import SLOW_DOWN, TIMEOUT_PAGE, TOO_BIG, UNAUTHORIZED, Office, rejected

HOUR = 3600


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, still=True)


def told(office: Office, unit: str | None = None, limit: int = 0) -> Status:
    return status_of(office.ledger, office.clock, unit, limit=limit)


def obstacles(status: Status) -> list[tuple[int, Obstacle]]:
    return [(one.document.icv, one.obstacle) for one in status.documents]


def test_with_everything_at_the_authority_there_is_nothing_to_show(office: Office) -> None:
    office.ledger.issue("till-1", simplified)
    office.submit()
    status = told(office)
    assert (status.documents, status.waiting, status.exit_code) == ((), 0, 0)
    (unit,) = status.units
    assert (unit.unit.next_icv, unit.unit.last_hash) == (2, office.ledger.document_at("till-1", 1).invoice_hash)


@pytest.mark.usefixtures("either_store")
def test_each_reason_is_named_and_the_most_urgent_stands_first(tmp_path: Path) -> None:
    office = Office(tmp_path, still=True)
    ledger = office.ledger
    ledger.issue("till-1", simplified)
    office.authority.script = [rejected]
    office.submit()
    office.later(HOUR)
    ledger.issue("till-1", lambda place, _: plain_document(place, issued=office.clock.now()))
    office.authority.script = [TOO_BIG]
    office.submit()
    office.later(HOUR)
    for _ in range(2):
        ledger.issue("till-1", lambda place, _: plain_document(place, issued=office.clock.now()))
    ledger.issue("till-1", standard)
    office.authority.script = [lambda request: TIMEOUT_PAGE] * 2
    office.submit()
    status = told(office)
    assert obstacles(status) == [
        (1, Obstacle.REJECTED),
        (2, Obstacle.SET_ASIDE),
        (3, Obstacle.RETRY),
        (4, Obstacle.BEHIND_ANOTHER),
        (5, Obstacle.RETRY),
    ]
    assert [one.time_left for one in status.documents] == [
        *(timedelta(hours=hours) for hours in (22, 23, 24, 24)),
        None,
    ]
    assert (status.waiting, status.exit_code) == (3, 1)
    first, aside, retry, behind, _ = status.documents
    assert "BR-KSA-08" in first.sentence("en") and "BR-KSA-08" in first.sentence("ar")
    assert first.sentence("ar").startswith("مرفوض")
    assert "413" in aside.sentence("en")
    assert "after 1 attempts: The gateway has trouble of its own (504)" in retry.sentence("en")
    assert (behind.behind, behind.sentence("en")) == (3, "waits behind ICV 3")


def test_what_only_waits_exits_3_and_what_is_overdue_exits_1(office: Office) -> None:
    office.ledger.issue("till-1", simplified)
    assert (obstacles(told(office)), told(office).exit_code) == ([(1, Obstacle.NEVER_SENT)], 3)
    office.later(25 * HOUR)
    status = told(office)
    assert status.documents[0].time_left == timedelta(hours=-1)
    assert status.exit_code == 1


def test_a_stopped_unit_stands_with_all_its_documents(office: Office) -> None:
    for _ in range(2):
        office.ledger.issue("till-1", simplified)
    office.authority.script = [UNAUTHORIZED]
    office.submit()
    status = told(office)
    assert {one.obstacle for one in status.documents} == {Obstacle.UNIT_STOPPED}
    assert (status.units[0].unit.stopped_reason is not None, status.exit_code) == (True, 1)


def test_a_unit_that_is_being_set_up_is_listed_and_no_failure(office: Office) -> None:
    office.ledger.add_unit("till-2", Environment.SIMULATION, office.ledger.unit("till-1").csr_fields)
    status = told(office)
    assert [(one.unit.name, one.onboarded) for one in status.units] == [("till-1", True), ("till-2", False)]
    assert status.exit_code == 0


def test_one_unit_may_be_asked_for_and_the_waiting_ones_limited(office: Office) -> None:
    add_unit(office.ledger, "till-2")
    make_live(office.ledger, "till-2", "second")
    for unit in ("till-1", "till-2", "till-2"):
        office.ledger.issue(unit, simplified)
    assert [one.unit for one in told(office, "till-2").documents] == ["till-2"] * 2
    assert [unit.unit.name for unit in told(office, "till-2").units] == ["till-2"]
    limited = told(office, limit=1)
    assert (len(limited.documents), limited.waiting) == (1, 3)


def test_a_gateway_that_asks_for_rest_is_shown_until_its_time_is_over(office: Office) -> None:
    office.ledger.issue("till-1", simplified)
    office.authority.script = [SLOW_DOWN]
    office.submit()
    assert obstacles(told(office)) == [(1, Obstacle.CIRCUIT_OPEN)]
    office.later(61)
    assert obstacles(told(office)) == [(1, Obstacle.RETRY)]


def test_a_followed_document_leaves_the_list_for_its_follow_up(office: Office) -> None:
    first = office.ledger.issue("till-1", simplified).document
    office.authority.script = [rejected]
    office.submit()
    second = office.ledger.issue("till-1", simplified, follows=first.uuid).document
    (shown,) = told(office).documents
    assert (shown.document.uuid, shown.follows) == (second.uuid, first.uuid)
    office.authority.script = [rejected]
    office.submit()
    # The follow-up is refused as well: it is the one to be corrected now.
    assert obstacles(told(office)) == [(2, Obstacle.REJECTED)]


def test_no_query_about_what_is_open_reads_the_whole_archive(tmp_path: Path) -> None:
    """Each goes through a partial index, which holds what is open and nothing else."""
    with ready_ledger(tmp_path) as ledger:
        ledger.issue("till-1", simplified)
        statements: list[tuple[str, object]] = []
        with ledger._store.read() as connection:
            engine = connection.engine

            def keep(_c: object, _cursor: object, statement: str, values: object, *_: object) -> None:
                if " document" in statement:
                    statements.append((statement, values))

            event.listen(engine, "before_cursor_execute", keep)
        _ask_everything(ledger)
        event.remove(engine, "before_cursor_execute", keep)
        assert len(statements) >= 8
        with ledger._store.read() as connection:
            for statement, values in statements:
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()  # type: ignore[call-overload]
                scans = [row[3] for row in rows if row[3].startswith("SCAN document")]
                assert all("document_unsent" in scan or "document_refused" in scan for scan in scans), (statement, rows)


def _ask_everything(ledger: Ledger) -> None:
    ledger.sendable_units(5)
    ledger.undecided_documents(limit=10)
    ledger.refused_documents()
    ledger.waiting_counts()
    ledger.unsent_count("till-1")
    ledger.reporting_holder(ledger.unit("till-1"), 5)
    ledger.raise_escalations()
