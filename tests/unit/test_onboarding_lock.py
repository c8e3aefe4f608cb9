"""One process per unit: the lock, who holds it, and that death releases it."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from khatm.ledger.errors import LedgerUnwritable
from khatm.onboarding.errors import OnboardingBusy
from khatm.onboarding.lock import unit_lock

HOLDER = """
import sys
from pathlib import Path
from khatm.onboarding.lock import unit_lock
with unit_lock(Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_learns_who_holds_the_unit_and_death_releases_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path), "فرع 1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(OnboardingBusy) as caught, unit_lock(tmp_path, "فرع 1"):
            pass
        assert caught.value.pid == holder.pid
        assert str(holder.pid) in caught.value.sentence("en")
        assert str(holder.pid) in caught.value.sentence("ar")
        assert caught.value.exit_code == 3
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with unit_lock(tmp_path, "فرع 1"):
        pass


def test_units_do_not_hinder_each_other_whatever_their_names(tmp_path: Path) -> None:
    with unit_lock(tmp_path, "a/b"), unit_lock(tmp_path, ".."), unit_lock(tmp_path, "ط" * 400):
        assert len(list(tmp_path.iterdir())) == 3


def test_the_same_process_cannot_hold_a_unit_twice(tmp_path: Path) -> None:
    with unit_lock(tmp_path, "a"), pytest.raises(OnboardingBusy) as caught, unit_lock(tmp_path, "a"):
        pass
    assert caught.value.pid == os.getpid()


def test_the_lock_is_free_again_after_an_error_inside(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), unit_lock(tmp_path, "a"):
        raise ZeroDivisionError
    with unit_lock(tmp_path, "a"):
        pass


def test_a_holder_that_has_not_written_its_number_is_still_a_holder(tmp_path: Path) -> None:
    with unit_lock(tmp_path, "a"):
        next(tmp_path.iterdir()).write_bytes(b"")
        with pytest.raises(OnboardingBusy) as caught, unit_lock(tmp_path, "a"):
            pass
    assert caught.value.pid is None
    assert "?" in str(caught.value)


def test_a_place_without_room_for_the_lock_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LedgerUnwritable) as missing, unit_lock(tmp_path / "missing", "till-1"):
        pass
    assert str(tmp_path / "missing") in missing.value.sentence("en")

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(LedgerUnwritable) as refusal:
        patched.setattr("khatm.onboarding.lock.os.write", full)
        with unit_lock(tmp_path, "till-1"):
            pass
    assert "No space left on device" in refusal.value.sentence("en")
    with unit_lock(tmp_path, "till-1"):
        pass


def test_what_fails_inside_the_block_is_not_the_lock_s(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), unit_lock(tmp_path, "till-1"):
        raise FileNotFoundError
