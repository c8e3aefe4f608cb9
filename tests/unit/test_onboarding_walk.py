"""The onboarding walk against an authority in memory: the whole way, and every way in which an answer can differ."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from khatm.environment import Environment
from khatm.errors import KhatmError
from khatm.gateway.transport import Fault, WireAnswer
from khatm.ledger.errors import CertificateNotOurs
from khatm.ledger.generations import GenerationState
from khatm.ledger.store_errors import LedgerDiskFull
from khatm.onboarding import errors
from khatm.onboarding.events import Phase, StepName
from khatm.onboarding.otp import OtpReason, one_otp
from khatm.stamp.canonical import invoice_hash
from tests.unit.onboarding_stage import (
    ORDER,
    Authority,
    answer,
    invalid_csr,
    lost_after,
    lost_before,
    page,
    refused_by_ca,
    result,
    says,
    step_of,
    steps_missing,
    unreachable,
)
from tests.unit.onboarding_walks import Source, Stage

CCSID, CHECK, PCSID = "POST compliance", "POST compliance/invoices", "POST production/csids"
# The constant of the gateway contract 8.4.
FIRST_PIH = "NWZlY2ViNjZmZmM4NmYzOGQ5NTI3ODZjNmQ2OTZjNzljMmRiYzIzOWRkNGU5MWI0NjcyOWQ3M2EyN2ZiNTdlOQ=="


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.ledger.close()


@contextmanager
def on_stage(path: Path, **options: object) -> Iterator[Stage]:
    made = Stage(path, **options)  # type: ignore[arg-type]
    yield made
    made.ledger.close()


# The whole way


@pytest.mark.parametrize("environment", [Environment.SIMULATION, Environment.PRODUCTION])
@pytest.mark.parametrize(("type_map", "steps"), [("1000", ORDER[:3]), ("0100", ORDER[3:]), ("1100", ORDER)])
def test_the_whole_way(tmp_path: Path, environment: Environment, type_map: str, steps: tuple[str, ...]) -> None:
    with on_stage(tmp_path, environment=environment, type_map=type_map) as stage:
        source = Source([stage.authority.new_otp("482913")])
        came = stage.onboarding().run("till-1", source)
        assert source.reasons == [OtpReason.ONBOARDING]
        assert stage.authority.calls == [CCSID, *[CHECK] * len(steps), PCSID]
        live = stage.live()
        assert (came.unit, came.generation, came.own_key, came.already_live) == ("till-1", "G1", True, False)
        assert came.not_after > stage.clock.now()
        assert live.passed_steps == steps
        assert [event.facts["name"] for event in stage.heard.done(StepName.CHECK)] == list(steps)
        assert [event.step.value for event in stage.heard.events if event.closes_step] == [
            "csr", "otp", "ccsid", *["check"] * len(steps), "pcsid",
        ]  # fmt: skip
        assert stage.heard.notices() == []
        assert stage.ledger.open_intents("till-1") == []
        stored = stage.ledger.pcsid_credentials(live)
        assert stage.authority.csids[stored.token].secret == stored.secret
        unit = stage.ledger.unit("till-1")
        assert (unit.next_icv, unit.last_hash) == (1, FIRST_PIH)


def test_each_document_is_of_its_step_and_they_form_a_chain_of_their_own(stage: Stage) -> None:
    stage.onboarding().run("till-1", Source([stage.authority.new_otp("482913")]))
    documents = stage.authority.documents
    assert [step_of(xml) for xml in documents] == list(ORDER)
    assert [icv_of(xml) for xml in documents] == [1, 2, 3, 4, 5, 6]
    hashes = [invoice_hash(xml) for xml in documents]
    assert [pih_of(xml) for xml in documents] == [FIRST_PIH, *hashes[:-1]]


def test_without_a_seller_block_a_placeholder_address_is_used_and_said_once(tmp_path: Path) -> None:
    with on_stage(tmp_path, seller=None) as stage:
        stage.onboarding().run("till-1", Source([stage.authority.new_otp("482913")]))
        assert stage.heard.notices() == ["placeholder-address"]
        assert all("شركة المثال | Example Trading".encode() in xml for xml in stage.authority.documents)


def test_the_walk_is_for_one_process_at_a_time(stage: Stage) -> None:
    refused: list[BaseException] = []

    def source(reason: OtpReason) -> str:
        with pytest.raises(errors.OnboardingBusy) as caught:
            stage.onboarding().run("till-1", Source())
        refused.append(caught.value)
        return stage.authority.new_otp("482913")

    stage.onboarding().run("till-1", source)
    assert len(refused) == 1


# The OTP


def test_without_an_otp_the_key_and_csr_wait_for_the_next_run(stage: Stage) -> None:
    with pytest.raises(errors.OtpNotGiven) as caught:
        stage.onboarding().run("till-1", one_otp(None))
    assert caught.value.exit_code == 2
    assert stage.authority.calls == []
    waiting = stage.ledger.open_generation("till-1")
    assert waiting is not None
    stage.onboarding().run("till-1", Source([stage.authority.new_otp("482913")]))
    assert stage.live().csr_pem == waiting.csr_pem
    assert stage.heard.notices() == ["resumed"]


def test_a_wrong_otp_is_asked_for_again_with_the_reason(stage: Stage) -> None:
    source = Source(["111222", stage.authority.new_otp("482913")])
    stage.onboarding().run("till-1", source)
    assert source.reasons == [OtpReason.ONBOARDING, OtpReason.REFUSED]
    assert stage.authority.calls.count(CCSID) == 2


def test_a_wrong_otp_without_another_ends_with_the_words_of_the_authority(stage: Stage) -> None:
    with pytest.raises(errors.OtpRefused) as caught:
        stage.onboarding().run("till-1", one_otp("111222"))
    assert caught.value.exit_code == 1
    assert caught.value.code == "otp-refused"
    assert "Invalid-OTP: The provided OTP is invalid" in caught.value.sentence("en")
    assert "Invalid-OTP" in caught.value.sentence("ar")
    assert [event.phase for event in stage.heard.events][-1] is Phase.FAILED
    assert stage.heard.events[-1].facts["error"] == "otp-refused"


def test_an_otp_refused_in_this_run_is_not_sent_again(stage: Stage) -> None:
    with pytest.raises(errors.OtpRefused):
        stage.onboarding().run("till-1", Source(["111222", "111222"]))
    assert stage.authority.calls == [CCSID]


def test_a_source_that_guesses_is_stopped(stage: Stage) -> None:
    source = Source(f"{number:06}" for number in range(100))
    with pytest.raises(errors.OtpRefused):
        stage.onboarding().run("till-1", source)
    assert stage.authority.calls == [CCSID] * 5


def test_what_cannot_be_an_otp_is_not_sent_and_asked_for_again(stage: Stage) -> None:
    source = Source(["12345", stage.authority.new_otp("482913")])
    stage.onboarding().run("till-1", source)
    assert source.reasons == [OtpReason.ONBOARDING, OtpReason.MALFORMED]
    assert stage.authority.calls.count(CCSID) == 1


def test_what_cannot_be_an_otp_is_described_but_never_repeated(stage: Stage) -> None:
    with pytest.raises(errors.MalformedOtp) as caught:
        stage.onboarding().run("till-1", one_otp("48x9134"))
    assert caught.value.exit_code == 2
    assert "7 characters" in str(caught.value)
    assert "48x9134" not in str(caught.value)
    assert stage.authority.calls == []


def test_digits_of_an_arabic_keyboard_are_an_otp(stage: Stage) -> None:
    stage.authority.new_otp("482913")
    assert stage.onboarding().run("till-1", one_otp("٤٨٢٩١٣")).generation == "G1"


# Lost answers to the request that spends the OTP


def test_a_lost_answer_is_tried_once_more_with_the_same_otp(stage: Stage) -> None:
    stage.authority.faults[CCSID].append(lost_before)
    source = Source([stage.authority.new_otp("482913")])
    stage.onboarding().run("till-1", source)
    assert source.reasons == [OtpReason.ONBOARDING]
    assert stage.authority.calls.count(CCSID) == 2


def test_a_spent_otp_is_replaced_by_a_new_one_with_the_reason(stage: Stage) -> None:
    stage.authority.faults[CCSID].append(lost_after)
    source = Source([stage.authority.new_otp("482913"), stage.authority.new_otp("482914")])
    stage.onboarding().run("till-1", source)
    assert source.reasons == [OtpReason.ONBOARDING, OtpReason.ANSWER_LOST]
    assert stage.authority.calls.count(CCSID) == 3


def test_a_spent_otp_without_another_says_what_happened(stage: Stage) -> None:
    stage.authority.faults[CCSID].append(lost_after)
    with pytest.raises(errors.OtpSpent) as caught:
        stage.onboarding().run("till-1", one_otp(stage.authority.new_otp("482913")))
    assert caught.value.exit_code == 1
    assert "answer was lost" in str(caught.value)


def test_an_answer_lost_twice_leads_to_a_new_otp(stage: Stage) -> None:
    stage.authority.faults[CCSID].extend([lost_before, lost_before])
    source = Source([stage.authority.new_otp("482913"), stage.authority.new_otp("482914")])
    stage.onboarding().run("till-1", source)
    assert source.reasons == [OtpReason.ONBOARDING, OtpReason.ANSWER_LOST]
    assert "482913" in stage.authority.otps


def test_an_answer_lost_twice_without_another_otp_is_no_answer_and_the_next_run_asks(stage: Stage) -> None:
    stage.authority.faults[CCSID].extend([lost_before, lost_before])
    with pytest.raises(errors.NoAnswer) as caught:
        stage.onboarding().run("till-1", one_otp(stage.authority.new_otp("482913")))
    assert caught.value.exit_code == 3
    source = Source([stage.authority.new_otp("482914")])
    stage.onboarding().run("till-1", source)
    assert source.reasons == [OtpReason.ANSWER_LOST]


def test_a_gateway_time_out_page_may_have_spent_the_otp(stage: Stage) -> None:
    def process_then_504(honest: object) -> object:
        honest()  # type: ignore[operator]
        return page(504)(lambda: answer(200, {}))

    stage.authority.faults[CCSID].append(process_then_504)  # type: ignore[arg-type]
    source = Source([stage.authority.new_otp("482913"), stage.authority.new_otp("482914")])
    stage.onboarding().run("till-1", source)
    assert source.reasons == [OtpReason.ONBOARDING, OtpReason.ANSWER_LOST]


# A gateway in trouble


def test_trouble_is_waited_out_with_growing_pauses(stage: Stage) -> None:
    stage.authority.faults[CCSID].extend([unreachable, page(503), page(502)])
    stage.onboarding().run("till-1", Source([stage.authority.new_otp("482913")]))
    assert stage.slept == [2, 4, 8]
    assert [event.phase for event in stage.heard.events].count(Phase.WAITING) == 3


def test_retry_after_is_respected(stage: Stage) -> None:
    stage.authority.faults[CHECK].append(page(429, Retry_After="17"))
    stage.onboarding().run("till-1", Source([stage.authority.new_otp("482913")]))
    assert stage.slept == [17]


@pytest.mark.parametrize("path", [CCSID, CHECK, PCSID])
@pytest.mark.parametrize("fault", [unreachable, page(500)], ids=["unreachable", "500"])
def test_patience_ends_and_the_next_run_goes_on(stage: Stage, path: str, fault: object) -> None:
    stage.authority.faults[path].extend([fault] * 3)  # type: ignore[list-item]
    with pytest.raises(errors.NoAnswer) as caught:
        stage.onboarding(attempts=3).run("till-1", Source([stage.authority.new_otp("482913")]))
    assert caught.value.exit_code == 3
    assert stage.authority.calls.count(path) == 3
    stage.onboarding().run("till-1", one_otp("482913" if path == CCSID else None))
    assert stage.live().state is GenerationState.LIVE


@pytest.mark.parametrize("path", [CHECK, PCSID])
def test_a_lost_answer_after_the_ccsid_is_recovered_by_the_same_request(stage: Stage, path: str) -> None:
    stage.authority.faults[path].append(lost_after)
    source = Source([stage.authority.new_otp("482913")])
    stage.onboarding().run("till-1", source)
    assert len(source.reasons) == 1
    assert stage.authority.calls.count(path) == {CHECK: 7, PCSID: 2}[path]
    assert stage.live().passed_steps == ORDER


def test_an_answer_cut_off_in_the_middle_is_no_answer(stage: Stage) -> None:
    stage.authority.faults[PCSID].append(
        lambda honest: says(type(whole := honest())(200, whole.headers, whole.body[:200]))(honest)
    )
    stage.onboarding().run("till-1", Source([stage.authority.new_otp("482913")]))
    assert stage.authority.calls.count(PCSID) == 2


@pytest.mark.parametrize("path", [CCSID, CHECK, PCSID])
@pytest.mark.parametrize("body", [b"", b"<html>welcome to the hotel</html>", b"[1,2", b"\xff\xfe"], ids=repr)
def test_a_success_that_says_nothing_is_no_answer(stage: Stage, path: str, body: bytes) -> None:
    stage.authority.faults[path].extend([says(WireAnswer(200, (), body))] * 5)
    with pytest.raises(errors.NoAnswer) as caught:
        stage.onboarding().run("till-1", one_otp(stage.authority.new_otp("482913")))
    assert "HTTP 200" in str(caught.value)
    assert stage.authority.calls.count(path) == (2 if path == CCSID else 5)


def test_a_redirect_is_not_followed_and_named(stage: Stage) -> None:
    stage.authority.faults[CCSID].append(page(302, Location="https://example.invalid/"))
    with pytest.raises(errors.CallRefused) as caught:
        stage.onboarding().run("till-1", one_otp(stage.authority.new_otp("482913")))
    assert caught.value.http_status == 302


def test_a_peer_that_cannot_prove_its_identity_gets_nothing_and_the_otp_stays_good(stage: Stage) -> None:
    untrusted = WireAnswer(None, fault=Fault.UNTRUSTED, fault_text="self-signed certificate")
    stage.authority.faults[CCSID].append(says(untrusted))
    otp = stage.authority.new_otp("482913")
    with pytest.raises(errors.UnsafePeer) as caught:
        stage.onboarding().run("till-1", one_otp(otp))
    assert caught.value.exit_code == 3
    assert "self-signed certificate" in str(caught.value)
    assert stage.onboarding().run("till-1", one_otp(otp)).generation == "G1"


# A disk that is full at the worst moment


@pytest.mark.parametrize(
    ("write", "asked_again"),
    [
        ("begin_generation", [OtpReason.ONBOARDING]),
        ("journal_intent", [OtpReason.ONBOARDING]),
        ("record_ccsid", [OtpReason.ANSWER_LOST]),
        ("record_step", []),
        ("record_pcsid", []),
        ("journal_answer", []),
    ],
)
def test_what_cannot_be_stored_is_made_good_by_the_next_run(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, write: str, asked_again: list[OtpReason]
) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise LedgerDiskFull(place="ledger.db", reason="database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(stage.ledger, write, full)
        with pytest.raises(LedgerDiskFull):
            stage.onboarding().run("till-1", one_otp(stage.authority.new_otp("482913")))
    source = Source([stage.authority.new_otp("482914")])
    stage.onboarding().run("till-1", source)
    assert source.reasons == asked_again
    assert stage.live().passed_steps == ORDER


# Refusals


def test_a_refused_check_names_step_codes_and_words_and_keeps_what_passed(stage: Stage) -> None:
    for _ in range(2):
        stage.authority.faults[CHECK].append(lambda honest: honest())
    stage.authority.faults[CHECK].append(says(result(400, ("BR-KSA-63", "no district"), ("BR-KSA-66", "bad code"))))
    with pytest.raises(errors.CheckRefused) as caught:
        stage.onboarding().run("till-1", Source([stage.authority.new_otp("482913")]))
    assert caught.value.exit_code == 1
    assert caught.value.step == "standard-debit-note-compliant"
    assert caught.value.said == ("BR-KSA-63: no district", "BR-KSA-66: bad code")
    assert "BR-KSA-66: bad code" in caught.value.sentence("ar")
    half_way = stage.ledger.open_generation("till-1")
    assert half_way is not None
    assert half_way.passed_steps == ORDER[:2]
    stage.onboarding().run("till-1", one_otp(None))
    assert stage.live().passed_steps == ORDER
    assert [icv_of(xml) for xml in stage.authority.documents] == [1, 2, 4, 5, 6, 7]


def test_a_step_passed_before_counts_as_passed(stage: Stage) -> None:
    stage.authority.faults[CHECK].append(lost_after)
    stage.onboarding().run("till-1", Source([stage.authority.new_otp("482913")]))
    first = stage.heard.done(StepName.CHECK)[0]
    assert (first.facts["name"], first.facts["http_status"]) == (ORDER[0], 406)


def test_a_refusal_without_words_is_tried_once_more_and_then_shown(stage: Stage) -> None:
    nothing = answer(400, {"validationResults": {"errorMessages": [{"code": None}], "status": "ERROR"}})
    stage.authority.faults[CHECK].extend([says(nothing), says(nothing)])
    with pytest.raises(errors.CallRefused) as caught:
        stage.onboarding().run("till-1", Source([stage.authority.new_otp("482913")]))
    assert stage.authority.calls.count(CHECK) == 2
    assert "HTTP 400" in str(caught.value)


def test_missing_steps_are_run_again_exactly_and_the_request_made_once_more(stage: Stage) -> None:
    forgotten = ["simplified-credit-note-compliant", "standard-compliant"]

    def forget(honest: object) -> object:
        for csid in stage.authority.csids.values():
            csid.steps -= set(forgotten)
        return honest()  # type: ignore[operator]

    stage.authority.faults[PCSID].append(forget)  # type: ignore[arg-type]
    stage.onboarding().run("till-1", Source([stage.authority.new_otp("482913")]))
    assert [step_of(xml) for xml in stage.authority.documents[6:]] == sorted(forgotten, key=ORDER.index)
    assert stage.authority.calls.count(PCSID) == 2
    assert "steps-repeated" in stage.heard.notices()


def test_missing_steps_without_a_list_mean_all_of_the_map(stage: Stage) -> None:
    words = "Compliance steps for this CSID are not yet complete"
    stage.authority.faults[PCSID].append(
        says(answer(400, {"errors": [{"code": "Missing-ComplianceSteps", "message": words}]}))
    )
    stage.onboarding().run("till-1", Source([stage.authority.new_otp("482913")]))
    assert stage.authority.calls.count(CHECK) == 12


def test_steps_that_stay_missing_end_the_walk(stage: Stage) -> None:
    stage.authority.faults[PCSID].extend([says(steps_missing(["standard-compliant"]))] * 2)
    with pytest.raises(errors.StepsStillMissing) as caught:
        stage.onboarding().run("till-1", Source([stage.authority.new_otp("482913")]))
    assert caught.value.missing == ("standard-compliant",)
    assert "[standard-compliant]" in str(caught.value)


def test_steps_for_which_no_document_is_known_are_shown_as_they_are(stage: Stage) -> None:
    stage.authority.extra_steps = ("buyer-qr-code-compliant", "seller-qr-code-compliant")
    with pytest.raises(errors.UnknownComplianceSteps) as caught:
        stage.onboarding().run("till-1", Source([stage.authority.new_otp("482913")]))
    assert caught.value.unknown == stage.authority.extra_steps
    assert "buyer-qr-code-compliant, seller-qr-code-compliant" in str(caught.value)
    assert stage.authority.calls.count(CHECK) == 6


def test_a_refused_csr_closes_the_attempt_and_the_next_one_makes_a_new_key(stage: Stage) -> None:
    stage.authority.faults[CCSID].append(says(invalid_csr()))
    otp = stage.authority.new_otp("482913")
    with pytest.raises(errors.CsrRefused) as caught:
        stage.onboarding().run("till-1", one_otp(otp))
    assert "Invalid-CSR" in str(caught.value)
    assert stage.onboarding().run("till-1", one_otp(otp)).generation == "G2"


def test_a_certificate_that_the_authority_will_not_sign_names_its_words(stage: Stage) -> None:
    stage.authority.faults[PCSID].append(says(refused_by_ca()))
    with pytest.raises(errors.CertificateRefused) as caught:
        stage.onboarding().run("till-1", Source([stage.authority.new_otp("482913")]))
    assert "0x80094800" in str(caught.value)


def test_a_ccsid_that_is_no_longer_accepted_needs_a_new_beginning(stage: Stage) -> None:
    stage.authority.faults[PCSID].append(says(answer(401, {"status": 401})))
    with pytest.raises(errors.CcsidRefused):
        stage.onboarding().run("till-1", Source([stage.authority.new_otp("482913")]))
    assert stage.onboarding().run("till-1", one_otp(stage.authority.new_otp("482914")), anew=True).generation == "G2"
    assert [generation.state.value for generation in stage.ledger.generations("till-1")] == ["abandoned", "live"]


# Live credentials


def test_a_live_unit_is_left_alone(stage: Stage) -> None:
    came = stage.onboarded().onboarding().run("till-1", one_otp("482913"))
    assert came.already_live
    assert (came.generation, stage.authority.calls, stage.heard.notices()) == ("G1", [], ["already-live"])


def test_beginning_anew_leaves_the_live_credentials_until_the_new_ones_are_proven(stage: Stage) -> None:
    stage.onboarded()
    seen: list[str] = []
    stage.heard.events.clear()
    original = stage.authority.send

    def watching(request: object) -> object:
        seen.append(stage.live().label)
        return original(request)  # type: ignore[arg-type]

    stage.authority.send = watching  # type: ignore[method-assign,assignment]
    stage.onboarding().run("till-1", one_otp(stage.authority.new_otp("482914")), anew=True)
    assert seen == ["G1"] * 8
    assert [generation.state.value for generation in stage.ledger.generations("till-1")] == ["retired", "live"]


def test_an_unfinished_new_beginning_is_gone_on_with(stage: Stage) -> None:
    stage.onboarded()
    stage.authority.faults[PCSID].append(says(answer(500, {"code": "Invalid-Request", "message": "…"})))
    with pytest.raises(errors.NoAnswer):
        stage.onboarding(attempts=1).run("till-1", one_otp(stage.authority.new_otp("482914")), anew=True)
    assert stage.live().label == "G1"
    assert stage.onboarding().run("till-1", one_otp(None)).generation == "G2"


def test_an_expired_or_stopped_unit_is_onboarded_again_without_being_told(stage: Stage) -> None:
    stage.onboarded()
    stage.advance(timedelta(days=731))
    assert stage.onboarding().run("till-1", one_otp(stage.authority.new_otp("482914"))).generation == "G2"
    stage.ledger.stop_unit("till-1", "the authority answered 401")
    assert stage.onboarding().run("till-1", one_otp(stage.authority.new_otp("482915"))).generation == "G3"
    assert stage.ledger.unit("till-1").stopped_reason is None


# Certificates on other keys


def test_a_pcsid_on_another_key_is_refused_outside_the_sandbox(stage: Stage) -> None:
    stage.authority.canned = ec.generate_private_key(ec.SECP256K1())
    with pytest.raises(CertificateNotOurs):
        stage.onboarding().run("till-1", one_otp(stage.authority.new_otp("482913")))
    assert stage.ledger.live_generation("till-1") is None


def test_the_sandbox_s_canned_certificate_is_kept_with_a_note_and_all_checks_are_run(tmp_path: Path) -> None:
    with on_stage(tmp_path, environment=Environment.SANDBOX, authority=Authority(enforce=False)) as stage:
        stage.authority.canned = ec.generate_private_key(ec.SECP256K1())
        came = stage.onboarding().run("till-1", one_otp(stage.authority.new_otp("12345")))
        assert not came.own_key
        assert stage.live().foreign_certificate
        assert stage.heard.notices() == ["foreign-certificate"]
        assert stage.authority.calls.count(CHECK) == 6


def test_a_ccsid_on_another_key_is_not_used(stage: Stage) -> None:
    strange = Authority()
    strange.new_otp("482913")
    other = Stage(stage.home.path / "other", authority=strange)
    wire = []
    strange.faults[CCSID].append(lambda honest: wire.append(honest()) or wire[0])  # type: ignore[func-returns-value]
    other.onboarding().run("till-1", one_otp("482913"))
    other.ledger.close()
    stage.authority.faults[CCSID].append(says(wire[0]))
    with pytest.raises(errors.CcsidNotOurs):
        stage.onboarding().run("till-1", one_otp("482914"))
    assert stage.authority.calls == [CCSID]
    assert stage.ledger.generations("till-1")[0].state is GenerationState.ABANDONED


# Secrets


def test_nothing_that_opens_a_door_is_told_journaled_or_raised(stage: Stage) -> None:
    stage.authority.faults[CHECK].append(says(result(400, ("BR-KSA-63", "no district"))))
    otps = ["482913", "731264"]
    stage.authority.new_otp(otps[1])
    with pytest.raises(KhatmError) as caught:
        stage.onboarding().run("till-1", Source(otps))
    stage.onboarding().run("till-1", one_otp(None))
    told = repr([(event.record(), event) for event in stage.heard.events])
    raised = repr(caught.value.facts()) + str(caught.value) + repr(caught.value)
    journal = repr(stage.ledger.calls("till-1"))
    database = b"".join(path.read_bytes() for path in sorted(stage.home.path.glob("ledger.db*")))
    live = stage.live()
    key = stage.ledger.key_of(live).decode()
    secrets = [*otps, *(csid.secret for csid in stage.authority.csids.values()), *key.splitlines()[1:-1]]
    for secret in secrets:
        assert secret not in told
        assert secret not in raised
        assert secret not in journal
        if secret not in otps:  # six digits turn up in a database by chance
            assert secret.encode() not in database


def icv_of(xml: bytes) -> int:
    found = re.search(rb"<cbc:ID>ICV</cbc:ID>\s*<cbc:UUID>(\d+)</cbc:UUID>", xml)
    assert found is not None
    return int(found[1])


def pih_of(xml: bytes) -> str:
    found = re.search(rb"<cbc:ID>PIH</cbc:ID>.*?<cbc:EmbeddedDocumentBinaryObject[^>]*>([^<]+)<", xml, re.DOTALL)
    assert found is not None
    return found[1].decode()
