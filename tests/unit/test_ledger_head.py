"""The head record: a ledger replaced by an older or another copy of itself is noticed before a place is given twice."""

import os
import shutil
from pathlib import Path

import pytest

from khatm.ledger.errors import ChainHeadReplaced, UnknownUnit
from khatm.ledger.ledger import Ledger
from khatm.ledger.store_errors import LedgerNoAccess
from tests.unit.ledger_stage import (
    FIRST_PIH,
    add_unit,
    fresh_ledger,
    home_at,
    make_live,
    ready_ledger,
    simplified,
    standard,
    tamper,
)

both_stores = pytest.mark.usefixtures("either_store")


def put_back(ledger: Ledger, icv: int) -> None:
    """Make the database what it was after the document at `icv`."""
    with ledger._store.write() as connection:
        for statement in (
            f"DELETE FROM stamped_xml WHERE document_id IN (SELECT id FROM document WHERE icv > {icv})",
            f"DELETE FROM document WHERE icv > {icv}",
            f"UPDATE unit SET next_icv = {icv + 1}, last_hash = "
            f"COALESCE((SELECT invoice_hash FROM document WHERE icv = {icv}), '{FIRST_PIH}')",
        ):
            connection.exec_driver_sql(statement)


def record_of(path: Path) -> Path:
    [record] = path.glob("*.head")
    return record


def test_a_file_put_back_from_an_older_copy_is_noticed_at_the_next_issue(tmp_path: Path) -> None:
    place = tmp_path / "ledger.db"
    with ready_ledger(tmp_path) as ledger:
        ledger.issue("till-1", simplified)
    shutil.copy(place, tmp_path / "monday")
    with fresh_ledger(tmp_path) as ledger:
        last = [ledger.issue("till-1", simplified) for _ in range(2)][-1].document
    shutil.copy(place, tmp_path / "tuesday")
    shutil.copy(tmp_path / "monday", place)
    with fresh_ledger(tmp_path) as ledger:
        with pytest.raises(ChainHeadReplaced) as refusal:
            ledger.issue("till-1", simplified)
        assert (refusal.value.icv, refusal.value.recorded_icv, refusal.value.recorded_hash) == (1, 3, last.invoice_hash)
        assert refusal.value.exit_code == 3
        for language in ("en", "ar"):
            told = refusal.value.sentence(language)  # type: ignore[arg-type]
            assert f"khatm chain import --unit till-1 --last-counter 3 --last-hash {last.invoice_hash}" in told
            assert "khatm chain accept-head --unit till-1" in told
        # Reading goes on, and nothing was changed.
        assert [each.icv for each in ledger.documents("till-1")] == [1]
    shutil.copy(tmp_path / "tuesday", place)
    with fresh_ledger(tmp_path) as ledger:
        assert ledger.issue("till-1", simplified).document.icv == 4
        assert ledger.verify_chain("till-1").intact


@both_stores
def test_a_database_that_went_back_is_noticed_and_can_be_accepted_knowingly(tmp_path: Path) -> None:
    with ready_ledger(tmp_path) as ledger:
        for _ in range(3):
            ledger.issue("till-1", simplified)
        put_back(ledger, 1)
    with fresh_ledger(tmp_path) as ledger:
        for _ in range(2):
            with pytest.raises(ChainHeadReplaced):
                ledger.issue("till-1", simplified)
        recorded = ledger.recorded_head("till-1")
        assert recorded is not None
        assert recorded.icv == 3
        assert ledger.accept_head("till-1").next_icv == 2
        assert ledger.issue("till-1", simplified).document.icv == 2
        assert ledger.verify_chain("till-1").intact
        put_back(ledger, 0)
        with pytest.raises(ChainHeadReplaced):
            ledger.issue("till-1", simplified)
        ledger.accept_head("till-1")
        assert ledger.recorded_head("till-1") is None
        assert ledger.issue("till-1", simplified).document.icv == 1
        with pytest.raises(UnknownUnit):
            ledger.accept_head("none")


@both_stores
def test_another_copy_that_went_its_own_way_is_noticed(tmp_path: Path) -> None:
    """As long as the copy that was put in place, or longer: the document at the remembered place is another one."""
    for further in (0, 1):
        with ready_ledger(tmp_path) if further == 0 else fresh_ledger(tmp_path) as ledger:
            for _ in range(2):
                ledger.issue("till-1", simplified)
            record = record_of(tmp_path).read_bytes()
            put_back(ledger, 1)
            ledger.accept_head("till-1")
            for _ in range(1 + further):
                ledger.issue("till-1", standard)
            record_of(tmp_path).write_bytes(record)
        with fresh_ledger(tmp_path) as ledger:
            with pytest.raises(ChainHeadReplaced):
                ledger.issue("till-1", simplified)
            put_back(ledger, 0)
            ledger.accept_head("till-1")


@both_stores
def test_a_record_that_is_behind_torn_or_of_another_ledger_stops_nothing(tmp_path: Path) -> None:
    with ready_ledger(tmp_path) as ledger:
        ledger.issue("till-1", simplified)
        behind = record_of(tmp_path).read_bytes()
        ledger.issue("till-1", simplified)
        current = record_of(tmp_path).read_bytes()
    for number, content in enumerate(
        (
            behind,
            b"",
            current[:-20],
            current.replace(b" 2 ", b" 9 "),  # whose checksum does not fit
            b"\0" * len(current),
            bytes(reversed(current)),
        )
    ):
        record_of(tmp_path).write_bytes(content)
        with fresh_ledger(tmp_path) as ledger:
            assert ledger.issue("till-1", simplified).document.icv == 3 + number
            assert ledger.recorded_head("till-1") is not None
    with fresh_ledger(tmp_path) as ledger:
        tamper(ledger, "UPDATE ledger_identity SET identity = ?", "0" * 32)
        put_back(ledger, 1)
    with fresh_ledger(tmp_path) as ledger:
        assert ledger.issue("till-1", simplified).document.icv == 2


@both_stores
def test_a_record_without_room_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with ready_ledger(tmp_path) as ledger:
        with monkeypatch.context() as patch:
            patch.setattr("khatm.ledger.head_record.os.write", full)
            assert ledger.issue("till-1", simplified).document.icv == 1
            with pytest.raises(LedgerNoAccess, match="No space left"):
                ledger.accept_head("till-1")
        assert ledger.issue("till-1", simplified).document.icv == 2


def test_a_record_that_cannot_be_read_stops_the_issue(tmp_path: Path) -> None:
    with ready_ledger(tmp_path) as ledger:
        (tmp_path / "ledger.db.head").mkdir()
        with pytest.raises(LedgerNoAccess) as refusal:
            ledger.issue("till-1", simplified)
        assert str(tmp_path / "ledger.db.head") in refusal.value.sentence()
        (tmp_path / "ledger.db.head").rmdir()
        assert ledger.issue("till-1", simplified).document.icv == 1


@both_stores
def test_each_unit_has_its_own_line_private_to_the_user(tmp_path: Path) -> None:
    with ready_ledger(tmp_path) as ledger:
        add_unit(ledger, "till-2")
        make_live(ledger, "till-2", "second")
        ledger.issue("till-2", simplified)
        ledger.issue("till-1", simplified)
        last = ledger.issue("till-1", simplified).document
        record = record_of(tmp_path)
        assert record.stat().st_mode & 0o777 == 0o600
        lines = [line for line in record.read_text("ascii").replace("\0", " ").splitlines() if line.strip()]
        assert [line.split()[1:4] for line in lines if line.split()[1] == str(ledger.unit("till-1").id)] == [
            [str(ledger.unit("till-1").id), "2", last.invoice_hash]
        ]
        assert len(lines) == 2


def test_homes_of_one_server_remember_what_they_issued(tmp_path: Path, postgresql_url: str) -> None:
    """A home that never issued has nothing to hold against a database; one that did, has."""
    homes = [tmp_path / "one" / "home", tmp_path / "two" / "home"]
    with ready_ledger(homes[0], KHATM_DATABASE_URL=postgresql_url) as one:
        for _ in range(2):
            one.issue("till-1", simplified)
        put_back(one, 1)
        with pytest.raises(ChainHeadReplaced):
            one.issue("till-1", simplified)
        home_at(homes[1]).folder("locks")  # its master key seals what both homes open
        shutil.copy(homes[0] / "master.key", homes[1])
        with fresh_ledger(homes[1], KHATM_DATABASE_URL=postgresql_url) as two:
            assert two.issue("till-1", simplified).document.icv == 2


def test_the_record_costs_no_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ready_ledger(tmp_path) as ledger:
        monkeypatch.setattr(os, "fsync", lambda descriptor: pytest.fail("the record was synced"))
        ledger.issue("till-1", simplified)
