"""The authority of a run: a simulator with its state on disk and one rule of its own; and what it has accepted."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import httpx

from khatm.document.walk import Walked
from khatm.simulator.business_rules import Edition, RuleFinding, RuleReport
from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.fatoora import STATE_FILE
from khatm.simulator.official_rules import OfficialRules
from tests.torture.plan import FAULTS, REJECTED_RULE, REJECTED_SUFFIX

ROOT = Path(__file__).resolve().parents[2]
_NUMBER = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}ID"


class ScriptedRules:
    """The official rules, and a refusal of documents that ask for it by their number; a `RulesPlug`."""

    def __init__(self) -> None:
        self._official = OfficialRules()

    def judge(self, document: Walked, *, edition: Edition, now: datetime) -> RuleReport:
        """Return what the rules say."""
        report = self._official.judge(document, edition=edition, now=now)
        if not (document.root.element.findtext(_NUMBER) or "").endswith(REJECTED_SUFFIX):
            return report
        refusal = RuleFinding(REJECTED_RULE, "error", "This document asks to be refused.")
        return replace(report, findings=(*report.findings, refusal))


@dataclass(frozen=True, slots=True)
class Authority:
    """A running authority."""

    url: str
    data: Path

    def otp(self, vat_number: str) -> str:
        """Return a fresh one-time password."""
        answer = httpx.post(f"{self.url}/manage/otp", json={"environment": "simulation", "vat_number": vat_number})
        return str(answer.raise_for_status().json()["otps"][0]["otp"])

    def misbehave(self) -> None:
        """Arm the run's faults."""
        httpx.post(f"{self.url}/manage/faults", json={"faults": FAULTS}).raise_for_status()

    def fired(self) -> int:
        """Return how many faults have struck so far."""
        armed = httpx.get(f"{self.url}/manage/faults").raise_for_status().json()["faults"]
        return sum(int(each["fired"]) for each in armed)

    def behave(self) -> None:
        """Take the faults away."""
        httpx.delete(f"{self.url}/manage/faults").raise_for_status()

    def accepted(self) -> list[tuple[str, str]]:
        """Return VAT number and invoice hash of every accepted submission, each as often as it was accepted anew."""
        with closing(sqlite3.connect(self.data / STATE_FILE)) as connection:
            return connection.execute("SELECT vat_number, document_hash FROM accepted").fetchall()


@contextmanager
def authority(folder: Path) -> Iterator[Authority]:
    """Start an authority in a process of its own and stop it afterwards."""
    data = folder / "authority"
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.torture.authority", str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert running.stdin is not None and running.stdout is not None
    try:
        yield Authority(running.stdout.readline().strip(), data)
    finally:
        running.stdin.close()
        running.wait(timeout=60)
        running.stdout.close()


def main() -> None:
    """Serve until standard input is closed, which also a parent's death does."""
    with EmbeddedSimulator(data=Path(sys.argv[1]), rules=ScriptedRules(), seed=1) as simulator:
        print(simulator.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
