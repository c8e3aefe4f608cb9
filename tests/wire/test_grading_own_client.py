"""Our own client under the grader: it meets every case and passes every case."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from markupsafe import escape

from khatm.environment import Environment
from khatm.gateway.client import Gateway
from khatm.gateway.transport import HttpTransport
from khatm.issuing import Issuer
from khatm.ledger.home import Home
from khatm.ledger.ledger import Ledger, open_ledger
from khatm.onboarding.onboard import Onboarding
from khatm.onboarding.renewal import Renewal
from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.grading.cases import CASE_IDS
from khatm.stamp.csr import CsrFields
from khatm.submission.breaker import Breakers
from khatm.submission.outbox import submit_due
from tests.wire.cli_stage import EXAMPLES

TAXPAYER = "399999991400003"
MINUTE = timedelta(seconds=61)


@dataclass
class Client:
    """A unit of ours, whose waits pass on the simulator's clock."""

    simulator: EmbeddedSimulator
    home: Home
    ledger: Ledger
    environment: Environment
    number: int = 0
    gateway: Gateway = field(init=False)
    breakers: Breakers = field(init=False)

    def __post_init__(self) -> None:
        clock = self.simulator.clock
        address = self.simulator.gateway_url
        self.gateway = Gateway(self.environment, base_url=address, transport=HttpTransport())
        self.breakers = Breakers(clock=lambda: clock.now().timestamp())
        seller = json.loads((EXAMPLES / "seller.json").read_text("utf-8")) | {"vat": TAXPAYER}
        fields = CsrFields(
            common_name=f"TILL-{TAXPAYER}",
            serial_number="1-Khatm|2-1.0|3-5f0b7c62-7a34-4a56-9d3e-2f4f0d9b1c14",
            organization_identifier=TAXPAYER,
            organization_unit_name="فرع الأندلس",
            organization_name="مقهى غيمة",
            country_name="SA",
            invoice_type="1100",
            location_address="JEA7215",
            industry_business_category="Food and beverages",
        )
        self.ledger.add_unit("till", self.environment, fields, seller, address)

    def wait(self, seconds: float) -> None:
        self.simulator.clock.advance(timedelta(seconds=seconds))

    def onboard(self) -> None:
        walk = Onboarding(self.ledger, self.gateway, self.simulator.clock, home=self.home, sleep=self.wait)
        walk.run("till", lambda _: self.simulator.issue_otp(self.environment, TAXPAYER))

    def renew(self) -> None:
        walk = Renewal(self.ledger, self.gateway, self.simulator.clock, home=self.home, sleep=self.wait)
        walk.run("till", lambda _: self.simulator.issue_otp(self.environment, TAXPAYER, "renewal"))

    def issue(self, profile: str, count: int) -> None:
        content = json.loads((EXAMPLES / f"{profile}-invoice.json").read_text("utf-8"))
        for _ in range(count):
            self.number += 1
            content["number"] = f"G-{self.number:04d}"
            Issuer(self.ledger, self.simulator.clock).issue("till", content)

    def send(self) -> None:
        """Send until nothing waits, letting a stopped unit go on after a minute as a person would."""
        while True:
            report = submit_due(
                self.ledger,
                lambda _: self.gateway,
                self.simulator.clock,
                resume=True,
                breakers=self.breakers,
            )
            if not report.stopped and not report.waiting:
                return
            self.simulator.clock.advance(MINUTE)


LACKING_IN_THE_SANDBOX = {
    # Fixed OTPs, no template, no steps, no duplicates, renewal at once (gateway contract 6.7, 11).
    "otp-used-once", "csr-template", "step-done-before", "steps-before-pcsid", "missing-steps", "already-reported",
    "already-cleared", "renewal-steps",
}  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "lacking"),
    [(Environment.SIMULATION, set[str]()), (Environment.SANDBOX, LACKING_IN_THE_SANDBOX)],
)
def test_every_case_is_met_and_passed(tmp_path: Path, environment: Environment, lacking: set[str]) -> None:
    report = tmp_path / "grade.html"
    home = Home(tmp_path / "home", environ={})
    home.custodian()
    with EmbeddedSimulator(grade=report) as simulator, open_ledger(home, simulator.clock) as ledger:
        client = Client(simulator, home, ledger, environment)
        client.onboard()
        client.issue("simplified", 10)
        client.issue("standard", 8)
        client.send()
        client.renew()
        client.issue("standard", 1)
        client.issue("simplified", 1)
        client.send()
        client.gateway.close()
    found = json.loads(report.with_suffix(".json").read_text("utf-8"))
    others = {each["id"]: each["finding"] for each in found["cases"] if each["state"] != "passed"}
    assert others == dict.fromkeys(lacking)
    assert [each["id"] for each in found["cases"]] == list(CASE_IDS)
    assert (found["final"], found["broken"], found["exit_code"]) == (True, False, 0)
    assert all(each["evidence"] for each in found["cases"] if each["id"] not in lacking)
    page = report.read_text("utf-8")
    assert all(escape(each["title"][language]) in page for each in found["cases"] for language in ("en", "ar"))
