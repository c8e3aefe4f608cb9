"""Renewal against an authority in memory: both first answers, the moment of the switch, and lost answers."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from khatm.ledger.generations import GenerationState
from khatm.onboarding import errors
from khatm.onboarding.otp import OtpReason, one_otp
from tests.unit.onboarding_stage import ORDER, answer, invalid_csr, lost_after, lost_before, page, says
from tests.unit.onboarding_walks import Source, Stage

CHECK, PCSID, RENEW = "POST compliance/invoices", "POST production/csids", "PATCH production/csids"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path).onboarded()
    yield made
    made.ledger.close()


def states(stage: Stage) -> list[str]:
    return [generation.state.value for generation in stage.ledger.generations("till-1")]


def renewal_otp(stage: Stage, otp: str = "731264") -> str:
    return stage.authority.new_otp(otp, "renewal")


def test_428_means_checks_with_the_new_ccsid_and_then_the_switch(stage: Stage) -> None:
    source = Source([renewal_otp(stage)])
    switches: list[tuple[str, int]] = []
    came = stage.renewal().run(
        "till-1", source, before_switch=lambda: switches.append((stage.live().label, len(stage.authority.calls)))
    )
    assert source.reasons == [OtpReason.RENEWAL]
    assert stage.authority.calls == [RENEW, *[CHECK] * 6, PCSID]
    # Before the first call, whose answer may switch at once, and right before the one that does.
    assert switches == [("G1", 0), ("G1", 7)]
    assert (came.generation, states(stage)) == ("G2", ["retired", "live"])
    assert stage.live().passed_steps == ORDER
    assert stage.heard.notices() == ["renewal-needs-checks"]
    assert len(stage.authority.live_pcsids()) == 1


def test_200_switches_at_once(stage: Stage) -> None:
    stage.authority.renewal = 200
    switches: list[str] = []
    came = stage.renewal().run(
        "till-1", one_otp(renewal_otp(stage)), before_switch=lambda: switches.append(stage.live().label)
    )
    assert stage.authority.calls == [RENEW]
    assert switches == ["G1"]
    assert (came.generation, states(stage)) == ("G2", ["retired", "live"])
    stored = stage.ledger.pcsid_credentials(stage.live())
    assert stage.authority.csids[stored.token].secret == stored.secret


def test_the_unit_s_chain_is_not_touched(stage: Stage) -> None:
    before = stage.ledger.unit("till-1")
    stage.renewal().run("till-1", one_otp(renewal_otp(stage)))
    after = stage.ledger.unit("till-1")
    assert (after.next_icv, after.last_hash) == (before.next_icv, before.last_hash)


def test_an_otp_for_onboarding_does_not_renew(stage: Stage) -> None:
    with pytest.raises(errors.OtpRefused) as caught:
        stage.renewal().run("till-1", one_otp(stage.authority.new_otp("482914")))
    assert "renewal in simulation" in str(caught.value)
    assert states(stage) == ["live", "prepared"]


def test_nothing_to_renew(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    with pytest.raises(errors.NothingToRenew) as caught:
        stage.renewal().run("till-1", one_otp("731264"))
    assert caught.value.exit_code == 2
    stage.ledger.close()


def test_an_expired_pcsid_cannot_renew_itself(stage: Stage) -> None:
    stage.advance(timedelta(days=731))
    with pytest.raises(errors.PcsidExpired) as caught:
        stage.renewal().run("till-1", one_otp(renewal_otp(stage)))
    assert stage.authority.calls == []
    assert "nboard the unit anew" in str(caught.value)
    assert states(stage) == ["live"]


def test_a_renewal_that_has_its_ccsid_ends_even_after_expiry(stage: Stage) -> None:
    stage.authority.faults[PCSID].append(page(500))
    with pytest.raises(errors.NoAnswer):
        stage.renewal(attempts=1).run("till-1", one_otp(renewal_otp(stage)))
    stage.advance(timedelta(days=731))
    assert stage.renewal().run("till-1", one_otp(None)).generation == "G2"


def test_a_stopped_renewal_goes_on_without_an_otp_and_the_old_credentials_work_meanwhile(stage: Stage) -> None:
    stage.authority.faults[CHECK].append(page(500))
    with pytest.raises(errors.NoAnswer):
        stage.renewal(attempts=1).run("till-1", one_otp(renewal_otp(stage)))
    assert (states(stage), stage.live().label) == (["live", "compliance"], "G1")
    assert len(stage.authority.live_pcsids()) == 1
    assert stage.renewal().run("till-1", one_otp(None)).generation == "G2"
    assert "resumed" in stage.heard.notices()


def test_401_means_the_pcsid_is_gone(stage: Stage) -> None:
    stage.authority.live_pcsids()[0].alive = False
    with pytest.raises(errors.PcsidRefused) as caught:
        stage.renewal().run("till-1", one_otp(renewal_otp(stage)))
    assert caught.value.code == "pcsid-refused"
    assert "revoked" in str(caught.value)
    assert stage.onboarding().run("till-1", one_otp(stage.authority.new_otp("482914")), anew=True).generation == "G3"
    assert states(stage) == ["retired", "abandoned", "live"]


def test_a_lost_200_leads_to_401_and_its_explanation(stage: Stage) -> None:
    stage.authority.renewal = 200
    stage.authority.faults[RENEW].append(lost_after)
    with pytest.raises(errors.PcsidAnswerLost) as caught:
        stage.renewal().run("till-1", one_otp(renewal_otp(stage)))
    assert stage.authority.calls == [RENEW, RENEW]
    assert "renewed and revoked" in str(caught.value)


def test_a_lost_428_needs_a_new_otp_and_says_why(stage: Stage) -> None:
    stage.authority.faults[RENEW].append(lost_after)
    source = Source([renewal_otp(stage), renewal_otp(stage, "731265")])
    stage.renewal().run("till-1", source)
    assert source.reasons == [OtpReason.RENEWAL, OtpReason.ANSWER_LOST]


def test_a_request_that_never_arrived_is_repeated_with_the_same_otp(stage: Stage) -> None:
    stage.authority.faults[RENEW].append(lost_before)
    source = Source([renewal_otp(stage)])
    stage.renewal().run("till-1", source)
    assert len(source.reasons) == 1


def test_a_refused_csr_closes_the_attempt_only(stage: Stage) -> None:
    stage.authority.faults[RENEW].append(says(invalid_csr()))
    with pytest.raises(errors.CsrRefused):
        stage.renewal().run("till-1", one_otp(renewal_otp(stage)))
    assert states(stage) == ["live", "abandoned"]


def test_a_broken_flush_stops_before_the_switch_and_the_renewal_goes_on_later(stage: Stage) -> None:
    calls: list[int] = []

    def flush() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise OSError("no disk")

    with pytest.raises(OSError, match="no disk"):
        stage.renewal().run("till-1", one_otp(renewal_otp(stage)), before_switch=flush)
    assert (states(stage), stage.authority.calls.count(PCSID)) == (["live", "compliance"], 0)
    assert stage.renewal().run("till-1", one_otp(None)).generation == "G2"


def test_onboarding_leaves_a_renewal_under_way_alone(stage: Stage) -> None:
    stage.authority.faults[CHECK].append(page(500))
    with pytest.raises(errors.NoAnswer):
        stage.renewal(attempts=1).run("till-1", one_otp(renewal_otp(stage)))
    assert stage.onboarding().run("till-1", one_otp(None)).already_live
    assert states(stage) == ["live", "compliance"]


def test_onboarding_ends_a_renewal_whose_old_pcsid_has_expired(stage: Stage) -> None:
    stage.authority.faults[CHECK].append(page(500))
    with pytest.raises(errors.NoAnswer):
        stage.renewal(attempts=1).run("till-1", one_otp(renewal_otp(stage)))
    stage.advance(timedelta(days=731))
    assert stage.onboarding().run("till-1", one_otp(None)).generation == "G2"


def test_onboarding_gives_up_a_renewal_that_never_got_its_ccsid(stage: Stage) -> None:
    with pytest.raises(errors.OtpNotGiven):
        stage.renewal().run("till-1", one_otp(None))
    stage.advance(timedelta(days=731))
    assert stage.onboarding().run("till-1", one_otp(stage.authority.new_otp("482914"))).generation == "G3"
    assert states(stage) == ["retired", "abandoned", "live"]


def test_a_renewal_replaces_a_new_beginning_under_way(stage: Stage) -> None:
    with pytest.raises(errors.OtpNotGiven):
        stage.onboarding().run("till-1", one_otp(None), anew=True)
    assert stage.renewal().run("till-1", one_otp(renewal_otp(stage))).generation == "G3"
    assert states(stage) == ["retired", "abandoned", "live"]


def test_an_answer_that_grants_nothing_changes_nothing(stage: Stage) -> None:
    stage.authority.faults[RENEW].append(says(answer(400, {"errors": [{"code": "Invalid-currentCSID"}]})))
    with pytest.raises(errors.CallRefused):
        stage.renewal().run("till-1", one_otp(renewal_otp(stage)))
    assert stage.live().state is GenerationState.LIVE
    assert states(stage) == ["live", "prepared"]
