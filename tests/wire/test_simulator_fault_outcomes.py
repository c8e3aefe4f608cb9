"""What our own client makes of each fault: the verdict and action that the gateway contract's section 9 asks for."""

from collections.abc import Iterator

import pytest

from khatm.environment import Environment
from khatm.gateway.calls import Credentials
from khatm.gateway.verdict import Action, Verdict
from tests.csr_maker import CsrRecipe, make_csr
from tests.wire.fault_stage import Stage
from tests.wire.simulator_caller import SELLER, Caller, Unit

LOST = (Verdict.RETRY, Action.RESEND)
"""Time-out, connection lost, 5xx, HTML, malformed 2xx: resend the same bytes."""
DONE = (Verdict.ACCEPTED, Action.PROCEED)
FAULTS: list[tuple[dict[str, object], tuple[Verdict, Action]]] = [
    ({"drop": "close"}, LOST),
    ({"drop": "close", "when": "after"}, LOST),
    ({"drop": "reset"}, LOST),
    ({"drop": "reset", "when": "after"}, LOST),
    ({"truncate": "connection"}, LOST),
    ({"truncate": "json"}, LOST),
    ({"status": 500}, LOST),
    ({"status": 500, "body": "FLAT"}, LOST),
    ({"status": 500, "when": "after"}, LOST),
    ({"status": 502}, LOST),
    ({"status": 503}, LOST),
    ({"status": 504}, LOST),
    ({"status": 504, "when": "after"}, LOST),
    ({"status": 429}, LOST),
    ({"status": 429, "retry_after": 11}, LOST),
    ({"status": 200, "body": "NOT-COMPLIANT"}, LOST),
    ({"status": 400, "body": "NULL-MESSAGES"}, (Verdict.RETRY, Action.RESEND_ONCE)),
    ({"status": 400, "body": "TEXT"}, (Verdict.OPERATOR, Action.ASK_OPERATOR)),
    ({"status": 413}, (Verdict.OPERATOR, Action.ASK_OPERATOR)),
    ({"status": 401}, (Verdict.STOP_UNIT, Action.CHECK_CREDENTIALS)),
    ({"event": "certificate-revoked"}, (Verdict.STOP_UNIT, Action.CHECK_CREDENTIALS)),
    ({"event": "certificate-expired"}, (Verdict.STOP_UNIT, Action.CHECK_CREDENTIALS)),
    ({"change": ["info-as-object"]}, DONE),
    ({"change": ["untyped-messages"]}, DONE),
    ({"bytes_per_second": 2000}, DONE),
    ({"change": ["false-certificate-warning"]}, (Verdict.ACCEPTED_WITH_WARNINGS, Action.PROCEED)),
    ({"change": ["false-certificate-warning", "untyped-messages"]}, (Verdict.ACCEPTED_WITH_WARNINGS, Action.PROCEED)),
    ({"advance_seconds": 90_000}, (Verdict.ACCEPTED_WITH_WARNINGS, Action.PROCEED)),
    ({"status": 409, "body": "DUPLICATE-2025"}, DONE),
    ({"status": 409, "body": "DUPLICATE-PUBLISHED"}, DONE),
    ({"status": 409, "body": "DUPLICATE-LATE-2025"}, DONE),
]


@pytest.fixture(scope="module")
def opened() -> Iterator[Stage]:
    with Stage.open() as stage:
        yield stage


@pytest.fixture
def stage(opened: Stage) -> Stage:
    return opened.again()


@pytest.mark.parametrize(("then", "expected"), FAULTS, ids=lambda given: str(given)[:50])
def test_reporting_ends_as_the_contract_says(
    stage: Stage, then: dict[str, object], expected: tuple[Verdict, Action]
) -> None:
    stage.arm("reporting", then)
    outcome = stage.submit(stage.document())
    assert (outcome.verdict, outcome.action) == expected
    assert outcome.retry_after == (11.0 if "retry_after" in then else None)
    assert stage.fired() == [1]


@pytest.mark.parametrize(
    "then",
    [
        {"drop": "close"},
        {"drop": "close", "when": "after"},
        {"drop": "reset", "when": "after"},
        {"truncate": "connection"},
        {"truncate": "json"},
        {"status": 500},
        {"status": 500, "when": "after"},
        {"status": 504},
        {"status": 504, "when": "after"},
        {"status": 429},
    ],
    ids=str,
)
@pytest.mark.parametrize("endpoint", ["reporting", "clearance"])
def test_the_same_bytes_again_end_well_and_the_authority_has_one_document(
    stage: Stage, endpoint: str, then: dict[str, object]
) -> None:
    """Gateway contract 9: resending is always safe; in the worst case the answer is 409 or 208, which is success."""
    stage.arm(endpoint, then)
    document = stage.document(endpoint)
    assert stage.submit(document, endpoint).verdict is Verdict.RETRY
    outcome = stage.submit(document, endpoint)
    assert outcome.verdict is Verdict.ACCEPTED
    if endpoint == "clearance":
        assert outcome.cleared_invoice is not None
        assert document.uuid.encode() in outcome.cleared_invoice
    assert stage.stored()["accepted"] == 1
    assert stage.stored().get("rejected") is None


def test_a_slow_answer_is_a_time_out(stage: Stage) -> None:
    stage.arm("reporting", {"delay": 2}, times=1)
    stage.arm("reporting", {"bytes_per_second": 10}, times=1)
    document = stage.document()
    assert (stage.submit(document, read_timeout=0.5).row, stage.fired()) == ("answer-lost", [1, 0])
    outcome = stage.submit(document, total_timeout=1.0)
    assert (outcome.row, stage.fired()) == ("answer-lost", [1, 1])
    assert (outcome.verdict, outcome.action) == LOST


def test_clearance_off_leads_through_reporting(stage: Stage) -> None:
    stage.arm("clearance", {"clearance": "off"})
    document = stage.document("clearance")
    outcome = stage.submit(document, "clearance")
    assert (outcome.verdict, outcome.action) == (Verdict.RETRY, Action.REPORT_INSTEAD)
    assert stage.submit(document, "reporting").verdict is Verdict.ACCEPTED


def test_a_208_without_the_cleared_invoice_keeps_the_first(stage: Stage) -> None:
    stage.arm("clearance", {"change": ["no-cleared-invoice"]}, answered=[208])
    document = stage.document("clearance")
    first, second = stage.submit(document, "clearance"), stage.submit(document, "clearance")
    assert (first.action, second.action) == (Action.DELIVER_CLEARED, Action.KEEP_WITHOUT_COPY)
    assert second.verdict is Verdict.ACCEPTED


ONBOARDING: list[tuple[dict[str, object], Verdict, Action, Verdict]] = [
    ({"drop": "close"}, Verdict.RETRY, Action.RESEND_ONCE, Verdict.ACCEPTED),
    ({"drop": "close", "when": "after"}, Verdict.RETRY, Action.RESEND_ONCE, Verdict.OPERATOR),
    ({"status": 504, "when": "after"}, Verdict.RETRY, Action.RESEND_ONCE, Verdict.OPERATOR),
    ({"event": "otp-expired"}, Verdict.OPERATOR, Action.ASK_NEW_OTP, Verdict.OPERATOR),
    ({"status": 200, "body": "NOT-COMPLIANT"}, Verdict.REJECTED, Action.CORRECT_CSR, Verdict.ACCEPTED),
]
"""`then`, outcome, and verdict on the same call again: a lost answer to `/compliance` may have spent the OTP."""


@pytest.mark.parametrize(("then", "verdict", "action", "again"), ONBOARDING, ids=lambda given: str(given)[:40])
def test_the_ccsid_call(
    stage: Stage, then: dict[str, object], verdict: Verdict, action: Action, again: Verdict
) -> None:
    unit = Unit(Caller(stage.simulator, Environment.SIMULATION))
    csr = make_csr(CsrRecipe().for_unit("simulation", SELLER, "1100"), unit.key)
    otp = unit.caller.otp()
    stage.arm("compliance_csid", then)
    with stage.gateway() as gateway:
        outcome = gateway.compliance_csid(csr, otp)
        assert (outcome.verdict, outcome.action) == (verdict, action)
        assert gateway.compliance_csid(csr, otp).verdict is again


def test_a_lost_pcsid_is_given_again(stage: Stage) -> None:
    """Gateway contract 9: repeat with the same pair and id."""
    ccsid = stage.unit.ccsid
    assert ccsid is not None
    credentials = Credentials(ccsid.token, ccsid.secret)
    stage.arm("production_csid", {"drop": "close", "when": "after"})
    with stage.gateway() as gateway:
        assert gateway.production_csid(credentials, str(ccsid.request_id)).action is Action.RESEND
        outcome = gateway.production_csid(credentials, str(ccsid.request_id))
    assert outcome.verdict is Verdict.ACCEPTED
    assert outcome.csid is not None


def test_a_lost_compliance_check_is_a_step_done(stage: Stage) -> None:
    """Gateway contract 4.5: the repeat answers 406 `Submitted before`, which counts as a pass."""
    from khatm.gateway.calls import Submission

    unit = Unit(Caller(stage.simulator, Environment.SIMULATION))
    unit.begin()
    assert unit.ccsid is not None
    document = unit.document("simplified-invoice", unit.ccsid)
    stage.arm("compliance_check", {"drop": "close", "when": "after"})
    credentials = Credentials(unit.ccsid.token, unit.ccsid.secret)
    submission = Submission(document.invoice_hash, document.uuid, document.xml)
    with stage.gateway() as gateway:
        assert gateway.check_compliance(credentials, submission).action is Action.RESEND
        assert gateway.check_compliance(credentials, submission).row == "step-done-before"
