"""Credential generations: at most one live, at most one under way, the proven ones unchangeable, secrets sealed."""

import base64
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from khatm.ledger.errors import (
    CertificateNotOurs,
    CredentialsAbsent,
    GenerationOpen,
    MasterKeyMissing,
    UnreadableToken,
    WrongGenerationState,
)
from khatm.ledger.generations import GenerationState, Purpose
from khatm.stamp.errors import CannotUnseal
from tests.unit.ledger_stage import (
    add_unit,
    everything_stored,
    fresh_ledger,
    home_at,
    key_pair,
    make_live,
    prepared,
    tamper,
)

pytestmark = pytest.mark.usefixtures("either_store")


def test_a_generation_walks_from_key_to_production_csid(tmp_path: Path) -> None:
    pair = key_pair("first")
    with fresh_ledger(tmp_path) as ledger:
        unit = add_unit(ledger)
        begun = prepared(ledger)
        assert (begun.label, begun.state, begun.purpose) == ("G1", GenerationState.PREPARED, Purpose.ONBOARDING)
        assert ledger.key_of(begun) == pair.key_pem
        assert ledger.open_generation(unit) == begun
        assert ledger.live_generation(unit) is None
        with pytest.raises(CredentialsAbsent):
            ledger.ccsid_credentials(begun)

        compliance = ledger.record_ccsid(begun, "token", "s3cret", "1234567890123")
        assert (compliance.state, compliance.ccsid_request_id) == (GenerationState.COMPLIANCE, "1234567890123")
        credentials = ledger.ccsid_credentials(compliance)
        assert (credentials.token, credentials.secret) == ("token", "s3cret")
        assert "s3cret" not in repr(credentials)

        ledger.record_step(compliance, "standard-compliant")
        stepped = ledger.record_step(compliance, "simplified-compliant")
        assert ledger.record_step(compliance, "standard-compliant").passed_steps == stepped.passed_steps
        assert stepped.passed_steps == ("standard-compliant", "simplified-compliant")
        assert ledger.reset_steps(stepped, ("standard-compliant",)).passed_steps == ("simplified-compliant",)
        assert ledger.reset_steps(stepped).passed_steps == ()

        live = ledger.record_pcsid(compliance, pair.token, "p-secret", "30368")
        assert (live.state, live.foreign_certificate) == (GenerationState.LIVE, False)
        assert ledger.pcsid_credentials(live).secret == "p-secret"
        assert ledger.live_generation("till-1") == live
        assert ledger.open_generation("till-1") is None


def test_renewal_stands_beside_the_live_generation_and_then_replaces_it(tmp_path: Path) -> None:
    with fresh_ledger(tmp_path) as ledger:
        add_unit(ledger)
        first = make_live(ledger)
        second = prepared(ledger, pair="second", purpose="renewal")
        assert ledger.live_generation("till-1") == first
        ledger.record_pcsid(second, key_pair("second").token, "new", "30369")
        assert [(one.label, one.state) for one in ledger.generations("till-1")] == [
            ("G1", GenerationState.RETIRED),
            ("G2", GenerationState.LIVE),
        ]
        # Documents stamped before go out with the old credentials, so these stay readable.
        assert ledger.pcsid_credentials(first).secret == "pcsid secret first"
        assert ledger.key_of(first) == key_pair("first").key_pem


def test_repeating_an_answer_changes_nothing(tmp_path: Path) -> None:
    with fresh_ledger(tmp_path) as ledger:
        add_unit(ledger)
        begun = prepared(ledger)
        once = ledger.record_ccsid(begun, "token", "secret", "1")
        assert ledger.record_ccsid(begun, "token", "secret", "1") == once
        live = ledger.record_pcsid(once, key_pair("first").token, "secret", "2")
        assert ledger.record_pcsid(once, key_pair("first").token, "secret", "2") == live


def test_what_is_proven_does_not_change(tmp_path: Path) -> None:
    with fresh_ledger(tmp_path) as ledger:
        add_unit(ledger)
        live = make_live(ledger)
        for change in (
            lambda: ledger.record_ccsid(live, "other", "secret", "9"),
            lambda: ledger.record_step(live, "standard-compliant"),
            lambda: ledger.reset_steps(live),
            lambda: ledger.abandon_generation(live, "no reason"),
        ):
            with pytest.raises(WrongGenerationState) as refusal:
                change()
            assert "state live" in refusal.value.sentence()
        assert ledger.generation(live) == live


def test_one_generation_is_under_way_at_a_time(tmp_path: Path) -> None:
    with fresh_ledger(tmp_path) as ledger:
        add_unit(ledger)
        first = prepared(ledger)
        with pytest.raises(GenerationOpen):
            prepared(ledger, pair="second")
        given_up = ledger.abandon_generation(first, "the CSR was refused")
        assert (given_up.state, given_up.reason) == (GenerationState.ABANDONED, "the CSR was refused")
        assert prepared(ledger, pair="second").label == "G2"


def test_the_database_itself_keeps_one_live_generation(tmp_path: Path) -> None:
    with fresh_ledger(tmp_path) as ledger:
        add_unit(ledger)
        make_live(ledger)
        ledger.record_pcsid(prepared(ledger, pair="second"), key_pair("second").token, "s", "1")
        with pytest.raises(IntegrityError, match="generation"):
            tamper(ledger, "UPDATE generation SET state = 'live'")


def test_a_certificate_of_another_key_needs_the_opt_in(tmp_path: Path) -> None:
    with fresh_ledger(tmp_path) as ledger:
        add_unit(ledger)
        compliance = ledger.record_ccsid(prepared(ledger), "token", "secret", "1")
        with pytest.raises(CertificateNotOurs) as refusal:
            ledger.record_pcsid(compliance, key_pair("canned").token, "secret", "2")
        assert "canned" in refusal.value.sentence()
        assert ledger.generation(compliance).state is GenerationState.COMPLIANCE
        live = ledger.record_pcsid(compliance, key_pair("canned").token, "secret", "2", foreign_certificate=True)
        assert live.foreign_certificate
        add_unit(ledger, "till-2")
        fitting = ledger.record_pcsid(
            prepared(ledger, "till-2"), key_pair("first").token, "secret", "2", foreign_certificate=True
        )
        assert not fitting.foreign_certificate


def test_a_token_without_certificate_is_not_stored(tmp_path: Path) -> None:
    with fresh_ledger(tmp_path) as ledger:
        add_unit(ledger)
        begun = prepared(ledger)
        with pytest.raises(UnreadableToken) as refusal:
            ledger.record_pcsid(begun, "bm90IGEgY2VydGlmaWNhdGU=", "secret", "2")
        assert refusal.value.exit_code == 1
        assert ledger.generation(begun) == begun


def test_no_plain_key_or_secret_reaches_the_disk(tmp_path: Path) -> None:
    secret = "Xlj15LyMCgSC66ObnEO/qVPfhSbs3kDTjWnGheYhfSs="
    pair = key_pair("canary")
    with fresh_ledger(tmp_path) as ledger:
        add_unit(ledger)
        generation = ledger.begin_generation("till-1", pair.key_pem, b"CSR")
        intent = ledger.journal_intent(generation, "compliance", {"otp": "918273", "headers": [["OTP", "918273"]]})
        ledger.journal_answer(intent, {"status": 200, "body": f'{{"requestID": 1, "secret": "{secret}"}}'})
        ledger.record_ccsid(generation, "token", secret, "1")
        ledger.record_pcsid(generation, pair.token, secret[::-1], "2")
        # Before a SQLite ledger closes, the write-ahead log still holds what was written last.
        written = everything_stored(ledger)
        written += b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("ledger.db"))
    scalar = pair.scalar.to_bytes(32, "big")
    body = b"".join(pair.key_pem.splitlines()[1:-1])
    for canary in (
        scalar,
        scalar.hex().encode(),
        base64.b64encode(scalar),
        body,
        secret.encode(),
        secret[::-1].encode(),
    ):
        assert canary not in written
    assert b"918273" not in written


def test_a_wrong_passphrase_is_noticed_and_changes_nothing(tmp_path: Path) -> None:
    with fresh_ledger(tmp_path, KHATM_PASSPHRASE="right") as ledger:
        add_unit(ledger)
        prepared(ledger)
    assert not (tmp_path / "master.key").exists()
    with fresh_ledger(tmp_path, KHATM_PASSPHRASE="wrong") as ledger:
        generation = ledger.open_generation("till-1")
        assert generation is not None
        for attempt in (
            lambda: ledger.key_of(generation),
            lambda: ledger.record_ccsid(generation, "token", "secret", "1"),
        ):
            with pytest.raises(CannotUnseal) as refusal:
                attempt()
            assert refusal.value.exit_code == 2
        assert ledger.open_generation("till-1") == generation
    passphrase_file = tmp_path / "passphrase"
    passphrase_file.write_text("right\n", encoding="utf-8")
    with fresh_ledger(tmp_path, KHATM_PASSPHRASE_FILE=str(passphrase_file)) as ledger:
        assert ledger.key_of(generation) == key_pair("first").key_pem


def test_a_lost_master_key_is_not_quietly_replaced(tmp_path: Path) -> None:
    with fresh_ledger(tmp_path) as ledger:
        add_unit(ledger)
        generation = prepared(ledger)
    (tmp_path / "master.key").rename(tmp_path / "elsewhere")
    with fresh_ledger(tmp_path) as ledger:
        with pytest.raises(MasterKeyMissing) as refusal:
            ledger.key_of(generation)
        assert str(tmp_path / "master.key") in refusal.value.sentence()
        assert not (tmp_path / "master.key").exists()


def test_a_sealed_secret_moved_to_another_row_does_not_open(tmp_path: Path) -> None:
    with fresh_ledger(tmp_path) as ledger:
        add_unit(ledger, "a")
        add_unit(ledger, "b")
        first, second = make_live(ledger, "a", "first"), make_live(ledger, "b", "second")
        moved = "UPDATE generation SET sealed_key = (SELECT sealed_key FROM generation WHERE id = ?) WHERE id = ?"
        tamper(ledger, moved, first.id, second.id)
        with pytest.raises(CannotUnseal):
            ledger.key_of(second)


def test_the_master_key_is_made_once_and_private(tmp_path: Path) -> None:
    home = home_at(tmp_path / "home")
    first = home.custodian().seal(b"x", "p")
    assert home.master_key_created
    assert (home.master_key_path.stat().st_mode & 0o777, home.path.stat().st_mode & 0o777) == (0o600, 0o700)
    again = home_at(tmp_path / "home")
    assert again.custodian().open(first, "p") == b"x"
    assert not again.master_key_created
    assert [path.name for path in home.path.iterdir()] == ["master.key"]
