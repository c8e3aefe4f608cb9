"""One process per unit: the lock, who holds it, and that death releases it, on either kind of database."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from khatm.ledger.ledger import Ledger
from khatm.ledger.store_errors import LedgerNoAccess, LedgerUnwritable
from khatm.onboarding.errors import OnboardingBusy
from khatm.onboarding.lock import unit_lock
from tests.postgresql import Server
from tests.unit.ledger_stage import fresh_ledger

ROOT = Path(__file__).resolve().parents[2]

HOLDER = """
import sys
from pathlib import Path
from khatm.onboarding.lock import unit_lock
from tests.unit.ledger_stage import fresh_ledger
with unit_lock(fresh_ledger(Path(sys.argv[1])), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if "either_store" in request.fixturenames:
        request.getfixturevalue("either_store")
    with fresh_ledger(tmp_path) as opened:
        yield opened


def released(ledger: Ledger, unit: str) -> bool:
    """Say whether the unit comes free; a server hears of a client's death a moment after it."""
    for _ in range(500):
        try:
            with unit_lock(ledger, unit):
                return True
        except OnboardingBusy:
            time.sleep(0.01)
    return False


@pytest.mark.usefixtures("either_store")
def test_a_second_process_learns_who_holds_the_unit_and_death_releases_it(tmp_path: Path, ledger: Ledger) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path), "فرع 1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(OnboardingBusy) as caught, unit_lock(ledger, "فرع 1"):
            pass
        assert caught.value.pid == holder.pid
        assert str(holder.pid) in caught.value.sentence("en")
        assert str(holder.pid) in caught.value.sentence("ar")
        assert caught.value.exit_code == 3
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert released(ledger, "فرع 1")


def test_two_homes_on_one_database_keep_each_other_out(tmp_path: Path, postgresql_url: str) -> None:
    for url in (f"sqlite:///{tmp_path}/shared.db", postgresql_url):
        with (
            fresh_ledger(tmp_path / "one", KHATM_DATABASE_URL=url) as one,
            fresh_ledger(tmp_path / "two", KHATM_DATABASE_URL=url) as two,
            unit_lock(one, "till-1"),
        ):
            with pytest.raises(OnboardingBusy) as caught, unit_lock(two, "till-1"):
                pass
            assert caught.value.pid == os.getpid()


def test_two_databases_of_one_server_know_nothing_of_each_other(tmp_path: Path, postgresql_server: Server) -> None:
    with (
        postgresql_server.database() as first,
        postgresql_server.database() as second,
        fresh_ledger(tmp_path, KHATM_DATABASE_URL=first) as one,
        fresh_ledger(tmp_path, KHATM_DATABASE_URL=second) as two,
        unit_lock(one, "till-1"),
        unit_lock(two, "till-1"),
    ):
        assert one.place != two.place


@pytest.mark.usefixtures("either_store")
class TestOnEitherStore:
    def test_units_do_not_hinder_each_other_whatever_their_names(self, ledger: Ledger) -> None:
        with unit_lock(ledger, "a/b"), unit_lock(ledger, ".."), unit_lock(ledger, "ط" * 400):
            assert ledger.units() == []

    def test_the_same_process_cannot_hold_a_unit_twice(self, ledger: Ledger) -> None:
        with unit_lock(ledger, "a"), pytest.raises(OnboardingBusy) as caught, unit_lock(ledger, "a"):
            pass
        assert caught.value.pid == os.getpid()

    def test_the_lock_is_free_again_after_an_error_inside(self, ledger: Ledger) -> None:
        with pytest.raises(ZeroDivisionError), unit_lock(ledger, "a"):
            raise ZeroDivisionError
        with unit_lock(ledger, "a"):
            pass

    def test_what_fails_inside_the_block_is_not_the_lock_s(self, ledger: Ledger) -> None:
        with pytest.raises(FileNotFoundError), unit_lock(ledger, "till-1"):
            raise FileNotFoundError


def test_a_holder_that_has_not_written_its_number_is_still_a_holder(tmp_path: Path, ledger: Ledger) -> None:
    with unit_lock(ledger, "a"):
        next((tmp_path / "locks").iterdir()).write_bytes(b"")
        with pytest.raises(OnboardingBusy) as caught, unit_lock(ledger, "a"):
            pass
    assert caught.value.pid is None
    assert "?" in str(caught.value)


def test_a_place_without_room_for_the_lock_is_named(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locks").write_text("in the way", encoding="utf-8")
    with pytest.raises(LedgerNoAccess) as missing, unit_lock(ledger, "till-1"):
        pass
    assert str(tmp_path / "locks") in missing.value.sentence("en")
    (tmp_path / "locks").unlink()

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(LedgerUnwritable) as refusal:
        patched.setattr("khatm.ledger.file_lock.os.write", full)
        with unit_lock(ledger, "till-1"):
            pass
    assert "No space left on device" in refusal.value.sentence("en")
    with unit_lock(ledger, "till-1"):
        pass
