"""Onboarding and renewal over HTTP against the embedded simulator: environments, maps, and what goes wrong."""

import itertools
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from khatm.clock import ShiftableClock
from khatm.environment import Environment
from khatm.gateway.calls import Credentials
from khatm.gateway.client import Gateway
from khatm.gateway.verdict import Outcome
from khatm.ledger.generations import Generation, GenerationState
from khatm.ledger.generations import Purpose as Reason
from khatm.ledger.home import Home
from khatm.ledger.ledger import open_ledger
from khatm.onboarding import errors
from khatm.onboarding.checks import ComplianceChecks
from khatm.onboarding.compliance import keep_ccsid, prepare
from khatm.onboarding.events import RecordingListener, StepName, Teller
from khatm.onboarding.onboard import Onboarding
from khatm.onboarding.otp import OtpReason, one_otp
from khatm.onboarding.patience import Patience
from khatm.onboarding.plan import required_steps
from khatm.onboarding.renewal import Renewal
from khatm.onboarding.session import UnitWalks
from khatm.onboarding.walk import Walk
from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.portal import Purpose
from khatm.stamp.certificate import read_certificate
from khatm.stamp.keys import load_key, public_point
from khatm.submission.outbox import submit_due
from tests.unit.onboarding_issue import issue_simplified
from tests.unit.onboarding_stage import ORDER, SELLER, csr_fields
from tests.unit.onboarding_walks import Source

Walks = TypeVar("Walks", bound=UnitWalks)

MAPS = {"1000": ORDER[:3], "0100": ORDER[3:], "1100": ORDER}
ENFORCING = [Environment.SIMULATION, Environment.PRODUCTION]
_NUMBERS = itertools.count(1)


class Till:
    """One unit of a taxpayer of its own, onboarded over HTTP."""

    def __init__(
        self,
        path: Path,
        simulator: EmbeddedSimulator,
        environment: Environment = Environment.SIMULATION,
        type_map: str = "1100",
        *,
        seller: bool = True,
        gateway_url: str | None = None,
    ) -> None:
        number = next(_NUMBERS)
        self.simulator = simulator
        self.environment = environment
        self.vat_number = f"3{number:09}00003"
        self.home = Home(path, environ={})
        self.ledger = open_ledger(self.home, simulator.clock)
        self.gateway = Gateway(environment, base_url=gateway_url or simulator.gateway_url, clock=simulator.clock)
        self.heard = RecordingListener()
        fields = csr_fields(type_map, number=number, vat_number=self.vat_number)
        block = {**SELLER, "vat": self.vat_number} if seller else None
        self.ledger.add_unit("till", environment, fields, block)

    def close(self) -> None:
        self.gateway.close()
        self.ledger.close()

    def otp(self, purpose: Purpose = Purpose.ONBOARDING) -> str:
        return self.simulator.issue_otp(self.environment, self.vat_number, purpose)

    def onboard(self, *otps: str) -> Source:
        source = Source(otps or [self.otp()])
        self.walks(Onboarding).run("till", source)
        return source

    def renew(self, *otps: str, before_switch: Callable[[], None] | None = None) -> Source:
        source = Source(otps or [self.otp(Purpose.RENEWAL)])
        self.walks(Renewal).run("till", source, before_switch=before_switch)
        return source

    def live(self) -> Generation:
        live = self.ledger.live_generation("till")
        assert live is not None
        return live

    def device(self) -> dict[str, object]:
        where = {"environment": self.environment.value, "vat_number": self.vat_number}
        answer = httpx.get(f"{self.simulator.url}/manage/devices", params=where, trust_env=False)
        [device] = answer.json()["devices"]
        return dict(device)

    def walks(self, kind: type[Walks]) -> Walks:
        waits = Patience(attempts=2, first_wait=0.0)
        return kind(self.ledger, self.gateway, self.simulator.clock, self.heard, home=self.home, patience=waits)


@pytest.fixture(scope="module")
def simulator() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator() as made:
        yield made


MakeTill = Callable[..., Till]


@pytest.fixture
def till_at(tmp_path: Path, simulator: EmbeddedSimulator) -> Iterator[MakeTill]:
    made: list[Till] = []

    def make(*arguments: object, at: EmbeddedSimulator = simulator, **options: object) -> Till:
        made.append(Till(tmp_path / str(len(made)), at, *arguments, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for till in made:
        till.close()


@pytest.mark.parametrize("type_map", MAPS)
@pytest.mark.parametrize("environment", ENFORCING)
@pytest.mark.parametrize("seller", [True, False], ids=["seller", "placeholder"])
def test_the_whole_way(till_at: MakeTill, environment: Environment, type_map: str, seller: bool) -> None:
    till = till_at(environment, type_map, seller=seller)
    till.onboard()
    checks = till.heard.done(StepName.CHECK)
    assert [check.facts["name"] for check in checks] == list(MAPS[type_map])
    assert [(check.facts["http_status"], check.facts["warnings"]) for check in checks] == [(200, [])] * len(checks)
    assert public_point(load_key(till.ledger.key_of(till.live()))) == read_certificate(_token(till)).point
    device = till.device()
    assert (device["status"], device["steps_missing"]) == ("Active", [])


def test_the_device_is_onboarding_before_it_is_active(till_at: MakeTill) -> None:
    till = till_at()
    seen: list[object] = []
    till.heard = _OnEach(lambda: seen.append(till.device()["status"]), StepName.CHECK)
    till.onboard()
    assert seen == ["Onboarding"] * 6
    assert till.device()["status"] == "Active"


@pytest.mark.parametrize("type_map", MAPS)
def test_a_check_left_out_draws_the_real_refusal_with_exactly_its_name(till_at: MakeTill, type_map: str) -> None:
    for left_out in MAPS[type_map]:
        till = till_at(Environment.SIMULATION, type_map)
        outcome = _ask_without(till, left_out)
        words = "The compliance certificate is not done with the following compliance steps yet"
        assert json.loads(outcome.exchange.response_body) == {
            "code": "Missing-ComplianceSteps",
            "message": f"{words} [{left_out}]",
        }
        assert (outcome.http_status, outcome.missing_steps) == (400, (left_out,))


def test_what_the_authority_misses_is_run_again_and_nothing_else(till_at: MakeTill) -> None:
    till = till_at()
    _ask_without(till, "standard-debit-note-compliant", "simplified-compliant")
    # The ledger is made to believe what the authority does not.
    half_way = till.ledger.open_generation("till")
    assert half_way is not None
    for step in ("standard-debit-note-compliant", "simplified-compliant"):
        till.ledger.record_step(half_way, step)
    till.heard.events.clear()
    till.onboard()
    names = [check.facts["name"] for check in till.heard.done(StepName.CHECK)]
    assert names == ["standard-debit-note-compliant", "simplified-compliant"]
    assert till.live().state is GenerationState.LIVE


def test_qr_steps_are_shown_as_they_are(tmp_path: Path) -> None:
    with EmbeddedSimulator(settings=["simulation.qr_steps=on"]) as simulator:
        till = Till(tmp_path, simulator)
        with pytest.raises(errors.UnknownComplianceSteps) as caught:
            till.onboard()
        assert all(name.endswith("-qr-code-compliant") for name in caught.value.unknown)
        till.close()


# The sandbox


def test_the_sandbox_asks_for_no_checks_and_gets_them_all_the_same(till_at: MakeTill) -> None:
    till = till_at(Environment.SANDBOX)
    till.onboard("123345")
    assert len(till.heard.done(StepName.CHECK)) == 6
    assert (till.live().ccsid_request_id, till.live().pcsid_request_id) == ("1234567890123", "30368")
    assert not till.live().foreign_certificate


def test_the_sandbox_s_canned_certificate_is_kept_with_a_note(tmp_path: Path) -> None:
    with EmbeddedSimulator(settings=["sandbox.pcsid=canned"]) as simulator:
        till = Till(tmp_path, simulator, Environment.SANDBOX)
        till.onboard("123345")
        assert till.live().foreign_certificate
        assert "foreign-certificate" in till.heard.notices()
        assert read_certificate(_token(till)).vat_number == "399999999900003"
        till.close()


def test_the_sandbox_renews_at_once(till_at: MakeTill) -> None:
    till = till_at(Environment.SANDBOX)
    till.onboard("123345")
    till.renew("123456")
    assert till.live().label == "G2"
    assert till.live().ccsid_token is None


# OTPs


def test_wrong_used_expired_and_foreign_otps_are_refused_and_another_is_asked_for(tmp_path: Path) -> None:
    clock = ShiftableClock()
    with EmbeddedSimulator(clock=clock) as simulator:
        other, till = Till(tmp_path / "a", simulator), Till(tmp_path / "b", simulator)
        expired = till.otp()
        clock.advance(timedelta(minutes=61))
        used, foreign, renewal = till.otp(), other.otp(), till.otp(Purpose.RENEWAL)
        till.onboard(used)
        other.ledger.add_unit("second", till.environment, csr_fields(number=99, vat_number=till.vat_number), None)
        source = Source([used, expired, foreign, renewal, till.otp()])
        Onboarding(other.ledger, other.gateway, clock, home=other.home).run("second", source)
        assert source.reasons == [OtpReason.ONBOARDING, *[OtpReason.REFUSED] * 4]
        other.close()
        till.close()


# Renewal


@pytest.mark.parametrize("environment", ENFORCING)
@pytest.mark.parametrize("type_map", MAPS)
def test_renewal_with_checks_to_the_end(till_at: MakeTill, environment: Environment, type_map: str) -> None:
    till = till_at(environment, type_map)
    till.onboard()
    old = till.ledger.pcsid_credentials(till.live())
    till.heard.events.clear()
    switches: list[str] = []
    till.renew(before_switch=lambda: switches.append(till.live().label))
    assert [check.facts["name"] for check in till.heard.done(StepName.CHECK)] == list(MAPS[type_map])
    assert switches == ["G1", "G1"]
    assert till.live().label == "G2"
    refused = till.gateway.renew_csid(Credentials(old.token, old.secret), till.live().csr_pem, "123456")
    assert refused.http_status == 401


def test_what_was_stamped_before_goes_out_with_the_old_credentials_and_the_chain_goes_on(till_at: MakeTill) -> None:
    till = till_at(type_map="0100")
    till.onboard()
    issue_simplified(till.ledger, "till", till.simulator.clock.now())
    flushed: list[int] = []

    def flush() -> None:
        flushed.append(len(submit_due(till.ledger, lambda _: till.gateway, till.simulator.clock, unit="till").results))

    till.renew(before_switch=flush)
    issue_simplified(till.ledger, "till", till.simulator.clock.now())
    submit_due(till.ledger, lambda _: till.gateway, till.simulator.clock, unit="till")
    assert flushed == [1, 0]
    first, second = till.ledger.documents("till")
    assert [each.state.value for each in (first, second)] == ["accepted", "accepted"]
    generations = [till.ledger.exchanges(each)[-1].generation_id for each in (first, second)]
    assert generations == [each.id for each in till.ledger.generations("till")]
    assert (second.icv, second.previous_hash) == (2, first.invoice_hash)
    assert till.ledger.verify_chain("till").intact


def test_a_revoked_pcsid_cannot_be_renewed_but_the_unit_can_be_onboarded_anew(till_at: MakeTill) -> None:
    till = till_at()
    till.onboard()
    httpx.post(f"{till.simulator.url}/manage/devices/{till.device()['id']}/revoke", trust_env=False)
    with pytest.raises(errors.PcsidRefused):
        till.renew()
    till.walks(Onboarding).run("till", one_otp(till.otp()), anew=True)
    assert till.live().label == "G3"


# No gateway


def test_a_gateway_that_is_down_loses_nothing(till_at: MakeTill) -> None:
    till = till_at(gateway_url="http://127.0.0.1:9/e-invoicing")
    with pytest.raises(errors.NoAnswer) as caught:
        till.onboard()
    assert caught.value.exit_code == 3
    assert "unreachable" in str(caught.value)
    waiting = till.ledger.open_generation("till")
    assert waiting is not None
    till.gateway.close()
    till.gateway = Gateway(till.environment, base_url=till.simulator.gateway_url)
    till.onboard()
    assert till.live().csr_pem == waiting.csr_pem


def _ask_without(till: Till, *left_out: str) -> Outcome:
    """Walk to the CCSID and through the checks but for those left out; ask for the PCSID and return the answer."""
    unit = till.ledger.unit("till")
    teller = Teller(till.heard)
    walk = Walk(unit, till.ledger, till.gateway, till.simulator.clock, till.home, teller, Patience(), time.sleep)
    generation = prepare(walk, Reason.ONBOARDING)
    granted = till.gateway.compliance_csid(generation.csr_pem, till.otp())
    assert granted.csid is not None
    keep_ccsid(walk, generation, granted.csid)
    steps = [step for step in required_steps(unit.type_map) if step.name not in left_out]
    ComplianceChecks(walk, till.ledger.generation(generation)).run(steps)
    return till.gateway.production_csid(granted.csid.credentials, granted.csid.request_id)


class _OnEach(RecordingListener):
    """Looks at something at the end of each of a step's events."""

    def __init__(self, look: Callable[[], None], step: StepName) -> None:
        super().__init__()
        self._look = look
        self._step = step

    def __call__(self, event: object, /) -> None:
        super().__call__(event)  # type: ignore[arg-type]
        if event in self.done(self._step):
            self._look()


def _token(till: Till) -> str:
    token = till.live().pcsid_token
    assert token is not None
    return token
