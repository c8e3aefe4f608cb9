"""Secrets at rest: only the right passphrase or key file opens them, for the right purpose, undamaged."""

import base64
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khatm.stamp import custody
from khatm.stamp.custody import Custodian
from khatm.stamp.errors import CannotUnseal, UnusableKeyFile

SECRET = b"a private key"
PURPOSE = "private key of till-1"
MEMORY = Custodian.in_memory()
SEALED = MEMORY.seal(SECRET, PURPOSE)


@given(st.binary(max_size=500), st.text(max_size=30))
def test_what_is_sealed_opens(plain: bytes, purpose: str) -> None:
    sealed = MEMORY.seal(plain, purpose)
    assert MEMORY.open(sealed, purpose) == plain
    assert sealed != MEMORY.seal(plain, purpose)


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_any_damage_is_noticed(place: int, flip: int) -> None:
    damaged = bytearray(SEALED)
    damaged[place] ^= flip
    with pytest.raises(CannotUnseal):
        MEMORY.open(bytes(damaged), PURPOSE)


def test_other_purposes_and_short_texts_do_not_open() -> None:
    for sealed, purpose in ((SEALED, "secret of till-1"), (SEALED[:-1], PURPOSE), (b"", PURPOSE), (SECRET, PURPOSE)):
        with pytest.raises(CannotUnseal) as caught:
            MEMORY.open(sealed, purpose)
        assert "KHATM_PASSPHRASE" in caught.value.sentence("en") + caught.value.sentence("ar")
        assert SECRET.decode() not in str(caught.value)


def test_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process with the same passphrase opens; another passphrase does not; scrypt runs once per salt."""
    derivations = []
    derive = custody._derive

    def counting(secret: bytes, kind: int, header: bytes) -> bytes:
        derivations.append(header)
        return derive(secret, kind, header)

    monkeypatch.setattr(custody, "_derive", counting)
    first = Custodian.from_passphrase("كلمة سر")
    sealed = [first.seal(SECRET, PURPOSE), first.seal(b"other", PURPOSE)]
    assert len(derivations) == 1
    second = Custodian.from_passphrase("كلمة سر")
    assert [second.open(each, PURPOSE) for each in sealed] == [SECRET, b"other"]
    assert first.open(second.seal(b"third", PURPOSE), PURPOSE) == b"third"
    assert len(derivations) == 2
    with pytest.raises(CannotUnseal, match="a passphrase that does not fit"):
        Custodian.from_passphrase("كلمة سر ").open(sealed[0], PURPOSE)
    with pytest.raises(CannotUnseal, match="sealed with a passphrase"):
        MEMORY.open(sealed[0], PURPOSE)


def test_a_hostile_header_costs_nothing() -> None:
    """A cost factor of 2^31 in a damaged text must not take the memory of the machine."""
    sealed = bytearray(Custodian.from_passphrase("x").seal(SECRET, PURPOSE))
    sealed[6] = 31
    with pytest.raises(CannotUnseal, match="damaged"):
        Custodian.from_passphrase("x").open(bytes(sealed), PURPOSE)


def test_key_files(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(base64.b64encode(os.urandom(32)) + b"\n")
    sealed = Custodian.from_key_file(path).seal(SECRET, PURPOSE)
    assert Custodian.from_key_file(path).open(sealed, PURPOSE) == SECRET
    path.write_bytes(base64.b64encode(os.urandom(32)))
    with pytest.raises(CannotUnseal, match="key file"):
        Custodian.from_key_file(path).open(sealed, PURPOSE)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"", "0 bytes"), (b"c2hvcnQ=", "5 bytes"), (b"not base64!", "not base64")],
)
def test_unusable_key_files(content: bytes | None, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnusableKeyFile, match=reason):
        Custodian.from_key_file(path)


def test_nothing_secret_is_shown() -> None:
    assert repr(Custodian.from_passphrase("hunter2")) == "Custodian(a passphrase)"
    assert "hunter2" not in str(vars(Custodian.from_passphrase("x")))
