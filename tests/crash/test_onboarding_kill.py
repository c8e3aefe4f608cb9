"""Onboarding and renewal killed with SIGKILL at every call, and gone on with by a fresh process.

At each call a process dies after the call was journaled (nothing sent), after its answer came (nothing stored), after
the answer was stored (the journal does not know), and after the journal was closed. What must hold is the contract:
no second OTP once a CCSID is stored, exactly one live generation on its own key, a chain that goes on.
"""

import itertools
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from khatm.clock import SystemClock
from khatm.environment import Environment
from khatm.gateway.calls import Credentials, Submission
from khatm.gateway.client import Gateway
from khatm.ledger.generations import Generation, GenerationState
from khatm.ledger.home import Home
from khatm.ledger.ledger import Ledger, open_ledger
from khatm.onboarding.errors import OnboardingBusy
from khatm.onboarding.onboard import Onboarding
from khatm.onboarding.otp import one_otp
from khatm.onboarding.plan import ALL_STEPS
from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.portal import Purpose
from khatm.stamp.certificate import decode_token
from tests.crash.onboarding_child import CLOSED, INTENDED, PREPARED, SENT, STORED, End, Job, Kill, Nursery
from tests.unit.onboarding_issue import issue_simplified
from tests.unit.onboarding_stage import SELLER, VAT, csr_fields

POINTS = (INTENDED, SENT, STORED, CLOSED)
_NUMBERS = itertools.count(1)


def kills(calls: int) -> list[Kill]:
    return [Kill(PREPARED, 0), *(Kill(point, call) for call in range(1, calls + 1) for point in POINTS)]


def name(kill: Kill) -> str:
    return f"{kill.call}-{kill.point}"


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as made:
        yield made


@pytest.fixture(scope="module")
def simulator() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator() as made:
        yield made


@pytest.fixture(scope="module")
def renews_at_once() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator(settings=["simulation.renewal=200"]) as made:
        yield made


class Unit:
    """A unit in a home of its own, its authority, and the processes that walk it."""

    def __init__(self, path: Path, simulator: EmbeddedSimulator, nursery: Nursery, type_map: str) -> None:
        self.simulator = simulator
        self.nursery = nursery
        self.environment = Environment.SIMULATION
        self.home = Home(path / "home", environ={})
        self.ledger: Ledger = open_ledger(self.home, SystemClock())
        self.ledger.add_unit("till-1", self.environment, csr_fields(type_map, number=next(_NUMBERS)), SELLER)
        self.gateway = Gateway(self.environment, base_url=simulator.gateway_url)
        self._path = path
        self._runs = 0

    def close(self) -> None:
        self.gateway.close()
        self.ledger.close()

    def otp(self, purpose: Purpose) -> str:
        return self.simulator.issue_otp(self.environment, VAT, purpose)

    def job(self, action: str, otps: list[str], kill: Kill | None = None) -> Job:
        self._runs += 1
        asked = self._path / f"asked-{self._runs}"
        asked.touch()
        return Job(
            home=str(self._path / "home"),
            gateway_url=self.simulator.gateway_url,
            environment=self.environment.value,
            unit="till-1",
            action=action,
            otps=otps,
            asked=str(asked),
            kill=kill,
        )

    def walk(self, action: str, kill: Kill | None = None, *, otps: int = 2) -> tuple[End, list[str]]:
        """Walk in a fresh process; return how it ended and for what reasons it asked for OTPs."""
        purpose = Purpose.RENEWAL if action == "renew" else Purpose.ONBOARDING
        job = self.job(action, [self.otp(purpose) for _ in range(otps)], kill)
        return self.nursery.run(job), Path(job.asked).read_text().split()

    def live(self) -> Generation:
        """Return the one live generation, after looking at its key and certificate without the product's own eyes."""
        living = [each for each in self.ledger.generations("till-1") if each.state is GenerationState.LIVE]
        assert len(living) == 1
        key = load_pem_private_key(self.ledger.key_of(living[0]), None)
        token = living[0].pcsid_token
        assert token is not None
        pem = f"-----BEGIN CERTIFICATE-----\n{decode_token(token)}\n-----END CERTIFICATE-----\n"
        assert x509.load_pem_x509_certificate(pem.encode()).public_key() == key.public_key()
        return living[0]

    def report_one(self) -> None:
        """Issue a simplified document on the unit's chain and report it with the live credentials."""
        issued = issue_simplified(self.ledger, "till-1", SystemClock().now())
        stored = self.ledger.pcsid_credentials(self.live())
        outcome = self.gateway.report(
            Credentials(stored.token, stored.secret),
            Submission(issued.document.invoice_hash, issued.document.uuid, issued.xml),
        )
        assert outcome.accepted, outcome


@pytest.mark.parametrize("kill", kills(8), ids=name)
def test_onboarding_killed_anywhere(tmp_path: Path, simulator: EmbeddedSimulator, nursery: Nursery, kill: Kill) -> None:
    unit = Unit(tmp_path, simulator, nursery, "1100")
    end, asked_before = unit.walk("onboard", kill)
    assert end.killed
    half_way = unit.ledger.open_generation("till-1")
    had_ccsid = half_way is None or half_way.ccsid_token is not None

    end, asked_after = unit.walk("onboard")
    assert (end.exit_code, end.error) == (0, "")
    if kill.point == PREPARED:
        assert (asked_before, asked_after) == ([], ["onboarding"])
    elif kill.call == 1 and kill.point == SENT:
        # The OTP was spent on a CCSID that nobody has: it was tried once more, then another one was asked for.
        assert (asked_before, asked_after) == (["onboarding"], ["answer-lost"])
    else:
        assert (asked_before, asked_after) == (["onboarding"], [])
    assert had_ccsid is (kill.call > 1 or kill.point in (STORED, CLOSED))
    assert unit.live().passed_steps == tuple(step.name for step in ALL_STEPS)
    assert len(unit.ledger.generations("till-1")) == 1
    assert unit.ledger.open_intents("till-1") == []
    unit.report_one()
    unit.close()


@pytest.mark.parametrize("kill", kills(5), ids=name)
def test_renewal_with_checks_killed_anywhere(
    tmp_path: Path, simulator: EmbeddedSimulator, nursery: Nursery, kill: Kill
) -> None:
    unit = Unit(tmp_path, simulator, nursery, "0100")
    assert unit.walk("onboard")[0].exit_code == 0
    unit.report_one()
    end, asked_before = unit.walk("renew", kill)
    assert end.killed
    switched = kill.call == 5 and kill.point in (STORED, CLOSED)
    spent = kill.call == 5 and kill.point == SENT
    assert unit.live().label == ("G2" if switched else "G1")
    if not spent:
        unit.report_one()

    if switched:
        assert unit.ledger.open_generation("till-1") is None
    else:
        end, asked_after = unit.walk("renew")
        assert (end.exit_code, end.error) == (0, "")
        if kill.point == PREPARED:
            assert (asked_before, asked_after) == ([], ["renewal"])
        elif kill.call == 1 and kill.point == SENT:
            assert (asked_before, asked_after) == (["renewal"], ["answer-lost"])
        else:
            assert (asked_before, asked_after) == (["renewal"], [])
    assert unit.live().label == "G2"
    assert [each.state.value for each in unit.ledger.generations("till-1")] == ["retired", "live"]
    unit.report_one()
    assert unit.ledger.verify_chain("till-1").intact
    unit.close()


@pytest.mark.parametrize("kill", kills(1), ids=name)
def test_renewal_at_once_killed_anywhere(
    tmp_path: Path, renews_at_once: EmbeddedSimulator, nursery: Nursery, kill: Kill
) -> None:
    unit = Unit(tmp_path, renews_at_once, nursery, "0100")
    assert unit.walk("onboard")[0].exit_code == 0
    unit.report_one()
    end, _ = unit.walk("renew", kill)
    assert end.killed
    if kill.point in (STORED, CLOSED):
        assert unit.live().label == "G2"
    elif kill.point == SENT:
        # The authority has switched and the new pair is lost: the one case in which nobody can go on without it.
        end, asked = unit.walk("renew")
        assert (end.error, end.exit_code, asked) == ("pcsid-answer-lost", 1, [])
        assert "nboard the unit anew" in end.sentence
        assert unit.live().label == "G1"
        assert unit.walk("onboard-anew")[0].exit_code == 0
        assert unit.live().label == "G3"
    else:
        unit.report_one()
        assert unit.walk("renew")[0].exit_code == 0
        assert unit.live().label == "G2"
    unit.report_one()
    assert unit.ledger.verify_chain("till-1").intact
    unit.close()


def test_a_process_that_dies_again_and_again_still_arrives(
    tmp_path: Path, simulator: EmbeddedSimulator, nursery: Nursery
) -> None:
    unit = Unit(tmp_path, simulator, nursery, "0100")
    reasons: list[str] = []
    for point in (PREPARED, *POINTS, *POINTS, INTENDED, SENT):
        end, asked = unit.walk("onboard", Kill(point, 0 if point == PREPARED else 1))
        reasons += asked
        assert end.killed
    end, asked = unit.walk("onboard")
    assert end.exit_code == 0
    assert reasons + asked == ["onboarding", "answer-lost"]
    assert unit.live().label == "G1"
    unit.close()


def test_two_processes_at_once(tmp_path: Path, simulator: EmbeddedSimulator, nursery: Nursery) -> None:
    unit = Unit(tmp_path, simulator, nursery, "0100")
    pipe = tmp_path / "hold"
    os.mkfifo(pipe)
    nursery.begin(replace(unit.job("onboard", [unit.otp(Purpose.ONBOARDING)]), hold=str(pipe)))
    with pipe.open("wb"):  # returns when the first process waits for its OTP, holding the unit
        second = Onboarding(unit.ledger, unit.gateway, SystemClock(), home=unit.home)
        with pytest.raises(OnboardingBusy) as caught:
            second.run("till-1", one_otp(unit.otp(Purpose.ONBOARDING)))
        assert caught.value.pid not in (None, os.getpid())
        assert len(unit.ledger.generations("till-1")) == 1
    assert nursery.end().exit_code == 0
    assert unit.live().label == "G1"
    unit.close()
