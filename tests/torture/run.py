"""A run from the empty ledger to the proof."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from khatm.clock import SystemClock
from khatm.ledger.home import Home
from khatm.ledger.ledger import open_ledger
from tests.crash.canaries import watched
from tests.torture.authority import ROOT, Authority, authority
from tests.torture.canaries import Planted
from tests.torture.plan import UNITS, Plan
from tests.torture.proof import Findings, examine

_PROPERTIES = """csr.common.name=TORTURE-{name}-{vat}
csr.serial.number=1-Khatm|2-1.0|3-5f0b7c62-7a34-4a56-9d3e-2f4f0d9b1c0{digit}
csr.organization.identifier={vat}
csr.organization.unit.name=Torture
csr.organization.name=Torture Trading Est.
csr.country.name=SA
csr.invoice.type=1100
csr.location.address=RRRD2929
csr.industry.business.category=Endurance
"""
_SELLER = """{{"name": "مؤسسة الصمود للتجارة | Endurance Trading Est.", "vat": "{vat}", "ids": {{"CRN": "1010010000"}},
"address": {{"street": "طريق الملك عبدالله | King Abdullah Road", "building": "2322", "district": "المربع | Al Murabba",
"city": "الرياض | Riyadh", "postal_code": "23333", "country": "SA"}}}}
"""


@dataclass
class Outcome:
    """How a run went."""

    kills: int
    faults: int
    seconds: float
    drained_in: float
    waiting: int
    findings: Findings
    output: list[str] = field(default_factory=list)
    """What the processes printed: nothing, unless something went wrong."""
    leaks: list[str] = field(default_factory=list)
    """Secrets found where none may be."""
    searched: dict[str, int] = field(default_factory=dict)
    """Bytes that were looked through for secrets, by place."""


class Processes:
    """The processes of a run; whoever is killed is started again."""

    def __init__(self, plan: Plan, folder: Path, environ: dict[str, str]) -> None:
        self._plan = plan
        self._folder = folder
        self._environ = environ
        self.kills = 0
        self.acknowledged = [folder / f"acknowledged-{share}" for share in range(plan.processes)]
        self._running = [self._start(share) for share in range(plan.processes)]

    def _start(self, share: int) -> subprocess.Popen[bytes]:
        arguments = (str(share), str(self._plan.processes), str(self._plan.documents), str(self.acknowledged[share]))
        with (self._folder / "output").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.torture.process", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=ROOT,
                env=self._environ,
            )

    def kill_one(self, rng: random.Random) -> None:
        """Kill a process that lives, and start it again."""
        share = rng.randrange(len(self._running))
        self._running[share].kill()
        self._running[share].wait()
        self.kills += 1
        self._running[share] = self._start(share)

    def issued(self) -> int:
        """Return how many issues were acknowledged so far."""
        files = (path.read_bytes() for path in self.acknowledged if path.exists())
        return sum(line.count(b" ") == 3 for content in files for line in content.splitlines())

    def last_uuid(self) -> str:
        """Return the UUID of a document that was acknowledged."""
        lines = [line for path in self.acknowledged for line in path.read_text().splitlines() if line.count(" ") == 3]
        return lines[-1].split()[3]

    def fallen(self) -> list[int]:
        """Return the exit codes of processes that ended by themselves."""
        return [code for each in self._running if (code := each.poll()) is not None]

    def end(self) -> None:
        """Let every process finish what it has begun."""
        for each in self._running:
            each.terminate()
        for each in self._running:
            each.wait(timeout=120)


def torture(plan: Plan, folder: Path, database_url: str | None = None) -> Outcome:
    """Run everything in a folder and examine what is left. Without an address the ledger is a SQLite file."""
    began = time.monotonic()
    planted = Planted(folder, database_url)
    environ = os.environ | planted.settings()
    home = Home(environ=environ)
    with watched(planted.arguments), authority(folder) as fatoora:
        environ["KHATM_GATEWAY_URL"] = f"{fatoora.url}/e-invoicing"
        _onboard(planted, environ, fatoora)
        planted.learn_secrets(fatoora.data)
        fatoora.misbehave()
        with _processes(plan, folder, environ) as processes:
            _kill_until_issued(plan, processes)
            planted.keep_log()
            faults = fatoora.fired()
            fatoora.behave()
            drained_in, waiting = _drain(plan, home, processes)
        kills = processes.kills
        database = home.database_path if database_url is None else database_url
        findings = examine(plan, database, fatoora, processes.acknowledged)
        findings.wrong += _own_proof(planted, environ)
    seconds = time.monotonic() - began
    leaks = planted.leaks(environ, processes.last_uuid())
    output = (folder / "output").read_text(encoding="utf-8", errors="replace").splitlines()
    return Outcome(kills, faults, seconds, drained_in, waiting, findings, output, leaks, planted.searched)


@contextmanager
def _processes(plan: Plan, folder: Path, environ: dict[str, str]) -> Iterator[Processes]:
    processes = Processes(plan, folder, environ)
    try:
        yield processes
    finally:
        processes.end()


def _kill_until_issued(plan: Plan, processes: Processes) -> None:
    rng = random.Random(plan.seed)
    while processes.issued() < plan.documents:
        time.sleep(plan.kill_every * rng.uniform(0.5, 1.5))
        if fallen := processes.fallen():
            raise AssertionError(f"processes ended by themselves: {fallen}")
        processes.kill_one(rng)


def _drain(plan: Plan, home: Home, processes: Processes) -> tuple[float, int]:
    """Wait until nothing waits any more; return the seconds it took and what waits after the time is up."""
    began = time.monotonic()
    with open_ledger(home, SystemClock()) as ledger:
        while True:
            waiting = sum(ledger.unsent_count(unit.name) for unit in UNITS)
            taken = time.monotonic() - began
            if not waiting or taken > plan.drain_within or processes.fallen():
                return taken, waiting
            time.sleep(0.5)


def _onboard(planted: Planted, environ: dict[str, str], fatoora: Authority) -> None:
    """Onboard the units; every other one gets its one-time password by its standard input."""
    for digit, unit in enumerate(UNITS):
        properties, seller = planted.folder / f"{unit.name}.properties", planted.folder / f"{unit.name}.json"
        properties.write_text(_PROPERTIES.format(name=unit.name, vat=unit.vat_number, digit=digit), encoding="utf-8")
        seller.write_text(_SELLER.format(vat=unit.vat_number), encoding="utf-8")
        where = ("--csr", str(properties), "--environment", "simulation", "--seller", str(seller))
        planted.require("unit", "add", unit.name, *where, environ=environ)
        otp = fatoora.otp(unit.vat_number)
        if digit % 2:
            planted.piped_otps.append(otp)
            planted.require("unit", "onboard", unit.name, "--otp", "-", environ=environ, stdin=otp + "\n")
        else:
            planted.typed_otps.append(otp)
            planted.require("unit", "onboard", unit.name, "--otp", otp, environ=environ)


def _own_proof(planted: Planted, environ: dict[str, str]) -> list[str]:
    """Ask our own verification as well, let the program fail, and pack everything for the auditor."""
    code = planted.khatm(environ, "chain", "verify", "--format", "json")
    wrong = [] if code == 0 else [f"khatm chain verify: exit {code}: {planted.output[-2][-2000:].decode()}"]
    return [*wrong, *planted.provoke_errors(environ), *planted.export_packs(environ)]
