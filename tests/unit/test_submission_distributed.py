"""The queue beside the ledger: its own schema, one waiting task per unit, and nothing that the ledger depends on."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from khatm.ledger.documents import DocumentState
from khatm.submission.dispatch import Until
from khatm.submission.dispatch.distributed import DistributedDispatch
from khatm.submission.dispatch.errors import QueueUnreachable
from khatm.submission.dispatch.queue_schema import ensure_schema, options_with_schema
from khatm.submission.worker import Worker
from tests.unit.ledger_stage import add_unit, fresh_ledger, make_live, simplified, standard
from tests.unit.submission_stage import UNAUTHORIZED, Office, by_route, rejected


@pytest.fixture
def office(tmp_path: Path, postgresql_url: str) -> Office:
    (tmp_path / "postgresql.url").write_text(postgresql_url, encoding="utf-8")
    return Office(tmp_path)


@pytest.fixture
def worker(office: Office) -> Iterator[Worker]:
    troubles: list[Exception] = []
    with Worker(
        office.ledger, office.gateway, office.clock, office.heard.append, lambda _, e: troubles.append(e)
    ) as made:
        yield made
    assert troubles == []


def waiting(url: str) -> list[tuple[str, str]]:
    """The tasks that wait: their lock and their queueing lock."""
    with psycopg.connect(url) as database:
        schema = ensure_schema(url)
        database.execute("SELECT set_config('search_path', %s, false)", (schema,))
        return database.execute(
            "SELECT lock, queueing_lock FROM procrastinate_jobs WHERE status = 'todo' ORDER BY lock"
        ).fetchall()


def test_a_unit_that_is_announced_twice_has_one_task_that_waits(worker: Worker, postgresql_url: str) -> None:
    dispatch = DistributedDispatch(worker, 1, postgresql_url)
    for unit in ("till-1", "till-1", "till-2"):
        dispatch.announce(unit)
    assert waiting(postgresql_url) == [("till-1", "till-1"), ("till-2", "till-2")]


def test_the_tables_of_the_queue_are_no_part_of_the_ledger(
    office: Office, worker: Worker, tmp_path: Path, postgresql_url: str
) -> None:
    DistributedDispatch(worker, 1, postgresql_url)
    with psycopg.connect(postgresql_url) as database:
        schemas = {
            name
            for (name,) in database.execute(
                "SELECT schemaname FROM pg_tables WHERE tablename LIKE 'procrastinate%'"
            ).fetchall()
        }
    assert len(schemas) == 1
    (schema,) = schemas
    assert schema.startswith("public_khatm_queue_")
    assert ensure_schema(postgresql_url) == schema, "made once"
    fresh_ledger(tmp_path, office.clock).close()


@pytest.mark.parametrize("until", [Until.SWEPT, Until.IDLE])
def test_it_ends_by_itself_when_everything_is_sent(
    office: Office, worker: Worker, postgresql_url: str, until: Until
) -> None:
    add_unit(office.ledger, "till-2")
    make_live(office.ledger, "till-2", "second")
    for unit in ("till-1", "till-2"):
        for writer in (simplified, standard):
            office.ledger.issue(unit, writer)
    DistributedDispatch(worker, 2, postgresql_url, sweep=0.2).run(until)
    states = {one.state for unit in office.ledger.units() for one in office.ledger.documents(unit)}
    assert states == {DocumentState.ACCEPTED}
    assert (len(office.heard), waiting(postgresql_url)) == (4, [])


def test_a_stopped_unit_and_a_rejected_document_do_not_keep_it_going(
    office: Office, worker: Worker, postgresql_url: str
) -> None:
    office.ledger.issue("till-1", simplified)
    office.ledger.issue("till-1", standard)
    office.authority.script = [by_route(UNAUTHORIZED, UNAUTHORIZED), rejected]
    DistributedDispatch(worker, 2, postgresql_url, sweep=0.2).run(Until.IDLE)
    assert office.ledger.unit("till-1").stopped_reason is not None


def test_a_database_that_cannot_be_reached_is_said_and_announcing_never_raises(
    worker: Worker, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = "postgresql://khatm:hidden-word@127.0.0.1:1/nowhere"
    with pytest.raises(QueueUnreachable) as refusal:
        DistributedDispatch(worker, 1, nowhere)
    for language in ("en", "ar"):
        assert "hidden-word" not in refusal.value.sentence(language)  # type: ignore[arg-type]
    dispatch = DistributedDispatch(worker, 1, postgresql_url)
    monkeypatch.setattr(dispatch, "_url", nowhere)
    monkeypatch.setattr("khatm.submission.dispatch.distributed._PATIENCE", 0.5)
    dispatch.announce("till-1")


def test_the_address_keeps_its_own_options() -> None:
    url = "postgresql://u@127.0.0.1/x?options=-c%20work_mem%3D8MB"
    assert options_with_schema(url, "q") == "-c work_mem=8MB -c search_path=q"
    assert options_with_schema("postgresql://u@127.0.0.1/x", "q") == "-c search_path=q"
