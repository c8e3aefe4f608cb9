"""The simulator's state: transactions, numbers, the moved clock."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from khatm.clock import FixedClock, ShiftableClock
from khatm.environment import Environment
from khatm.simulator.certificates import IssuedCertificate
from khatm.simulator.received import Call, ReceivedFacts
from khatm.simulator.records import Records
from khatm.simulator.registry import Credential, Registry
from khatm.simulator.store import Store, milliseconds, moment
from khatm.simulator.timeshift import TimeShift

NOW = datetime(2026, 3, 1, 9, 30, 5, 123000, tzinfo=UTC)


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store()
    yield opened
    opened.close()


def test_an_exception_undoes_the_whole_transaction(store: Store) -> None:
    store.remember("a", "1")
    with pytest.raises(RuntimeError), store.transaction():
        store.remember("a", "2")
        store.next_number("n")
        raise RuntimeError
    assert store.fact("a") == "1"
    assert store.next_number("n", first=7) == 7
    assert store.next_number("n", first=7) == 8


def test_numbers_of_many_threads_are_all_different(store: Store) -> None:
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.extend(store.next_number("n") for _ in range(50))) for _ in range(4)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(found) == list(range(1, 201))


def test_times_are_kept_to_the_millisecond() -> None:
    assert milliseconds(NOW) == 1772357405123
    assert moment(1772357405123) == NOW


def test_the_shift_is_kept_with_the_state(tmp_path: Path) -> None:
    first = Store(tmp_path / "state")
    clock = ShiftableClock(FixedClock(NOW))
    shift = TimeShift(first, clock)
    shift.advance(timedelta(days=3))
    shift.set(NOW + timedelta(days=400, microseconds=5))
    first.close()
    second = Store(tmp_path / "state")
    again = ShiftableClock(FixedClock(NOW))
    shift = TimeShift(second, again)
    assert again.now() == NOW + timedelta(days=400, microseconds=5)
    shift.restore()
    assert again.now() == NOW
    with pytest.raises(OverflowError):
        shift.advance(timedelta(days=365 * 9000))
    assert again.now() == NOW
    second.close()


def test_speed_is_kept_with_the_state(tmp_path: Path) -> None:
    first = Store(tmp_path / "state")
    TimeShift(first, ShiftableClock(FixedClock(NOW))).run(60)
    first.close()
    second = Store(tmp_path / "state")
    clock = ShiftableClock(FixedClock(NOW + timedelta(minutes=1)))
    shift = TimeShift(second, clock)
    assert clock.now() == NOW + timedelta(hours=1), "the hour that passes in a minute, whether it runs or not"
    assert (shift.speed, shift.frozen, shift.shift) == (60, False, timedelta(minutes=59))
    shift.restore()
    assert (clock.now(), shift.speed) == (NOW + timedelta(minutes=1), 1)
    second.close()


def facts(counter: str, document_hash: str) -> ReceivedFacts:
    return ReceivedFacts(
        document_hash=document_hash,
        uuid="u",
        number="n",
        profile="standard",
        type_code="388",
        transaction_code="0100000",
        issue_date="",
        issue_time="",
        seller_vat_number="",
        buyer_vat_number="",
        counter=counter,
        previous_hash="",
    )


def test_accepted_documents_are_found_by_environment_taxpayer_and_time(store: Store) -> None:
    records = Records(store)
    records.accept(Environment.SIMULATION, "3", "h", b"<cleared/>", NOW)
    records.accept(Environment.SIMULATION, "3", "reported", None, NOW)

    def before(environment: Environment, vat_number: str, document_hash: str, after: timedelta) -> bytes | bool | None:
        found = records.accepted_before(environment, vat_number, document_hash, NOW + after)
        return False if found is None else found.cleared

    hour = timedelta(hours=1)
    assert before(Environment.SIMULATION, "3", "h", hour) == b"<cleared/>"
    assert before(Environment.SIMULATION, "3", "reported", hour) is None
    assert before(Environment.PRODUCTION, "3", "h", hour) is False
    assert before(Environment.SIMULATION, "4", "h", hour) is False
    assert before(Environment.SIMULATION, "3", "other", hour) is False
    assert before(Environment.SIMULATION, "3", "h", timedelta(hours=24)) is False


def with_a_device(store: Store) -> Records:
    with store.transaction() as connection:
        connection.execute("PRAGMA defer_foreign_keys=ON")
        connection.execute("INSERT INTO taxpayer (vat_number, first_seen) VALUES ('3', 0)")
        connection.execute(
            "INSERT INTO device (id, environment, vat_number, common_name, egs_serial, type_map, created_at) "
            "VALUES (1, 'simulation', '3', '', '', '', 0)"
        )
        connection.execute(
            "INSERT INTO credential VALUES (1, 1, 'simulation', 'pcsid', 1, NULL, x'', x'', x'', x'', x'', '3', "
            "'1100', 0, 0, NULL, NULL, NULL)"
        )
    return Records(store)


ISSUED = IssuedCertificate(
    der=b"der", vat_number="3", type_map="1100", not_before=NOW, not_after=NOW + timedelta(days=9)
)


def add_credential(registry: Registry) -> None:
    registry.add_credential(
        device_id=1,
        environment=Environment.SIMULATION,
        kind="pcsid",
        request_id=2,
        issued=ISSUED,
        secret="s",
        request=b"",
        now=NOW,
    )


def found(registry: Registry) -> list[Credential]:
    return registry.credentials_by_token(Environment.SIMULATION, ISSUED.token)


@pytest.mark.parametrize(
    "change",
    [
        lambda registry, _: registry.revoke_device(1, NOW),
        lambda registry, _: registry.expire_credential(2, NOW),
        lambda registry, _: registry.retire_pcsids(1, NOW, but_from=None),
        lambda registry, _: add_credential(registry),
        lambda _, store: store.reset(),
    ],
)
@pytest.mark.parametrize("undone", [False, True])
def test_a_credential_is_found_as_it_is_at_that_moment(
    store: Store, change: Callable[[Registry, Store], None], undone: bool
) -> None:
    with_a_device(store)
    registry = Registry(store)
    assert found(registry) == []
    add_credential(registry)
    first = found(registry)
    assert len(first) == 1
    with contextlib.suppress(RuntimeError), store.transaction():
        change(registry, store)
        assert found(registry) == found(Registry(store)) != first
        if undone:
            raise RuntimeError
    assert found(registry) == found(Registry(store))
    assert (found(registry) == first) is undone


def test_a_credential_goes_with_the_state_that_knew_it(store: Store) -> None:
    with_a_device(store)
    registry = Registry(store)
    with contextlib.closing(sqlite3.connect(":memory:")) as before:
        store.copy_to(before)
        add_credential(registry)
        assert found(registry)
        store.copy_from(before)
    assert found(registry) == []


def noted(records: Records, counter: str, document_hash: str, call: Call = "clearance", now: datetime = NOW) -> None:
    records.add(
        device_id=1,
        credential_id=1,
        call=call,
        facts=facts(counter, document_hash),
        http_status=200,
        outcome="accepted",
        now=now,
    )


@pytest.mark.parametrize("odd", ["", "x1", "1x", "٣", "9" * 31, "-1"])
def test_the_chain_looks_past_documents_without_a_counter(store: Store, odd: str) -> None:
    records = with_a_device(store)
    assert records.last_document(1) is None
    noted(records, "007", "first")
    noted(records, odd, "second")
    last = records.last_document(1)
    assert last is not None
    assert (last.counter, last.document_hash) == (7, "first")
    assert records.last_counter(1) == (odd or "007")


def test_documents_are_counted_by_saudi_day(store: Store) -> None:
    records = with_a_device(store)
    before_midnight, midnight = datetime(2026, 3, 1, 20, 59, 59, 999000, UTC), datetime(2026, 3, 1, 21, tzinfo=UTC)
    noted(records, "1", "a", "reporting", before_midnight)
    noted(records, "2", "b", "reporting", midnight)
    noted(records, "3", "c", "clearance", midnight)
    noted(records, "4", "d", "compliance", midnight)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    found = records.daily(Environment.SIMULATION, "3", start)
    assert [(each.day, each.count) for each in found] == [(date(2026, 3, 1), 1), (date(2026, 3, 2), 2)]
    assert records.daily(Environment.PRODUCTION, "3", start) == []
    assert records.daily(Environment.SIMULATION, "3", midnight + timedelta(days=1)) == []


def test_the_clock_stays_where_every_zone_and_date_can_be_written(store: Store) -> None:
    clock = ShiftableClock(FixedClock(NOW))
    time = TimeShift(store, clock)
    for far in (
        datetime(9000, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    ):
        with pytest.raises(OverflowError):
            time.set(far)
        with pytest.raises(OverflowError):
            time.advance(far - NOW)
        assert clock.now() == NOW
    time.set(datetime(1970, 1, 1, tzinfo=UTC))
    assert clock.now() == datetime(1970, 1, 1, tzinfo=UTC)
