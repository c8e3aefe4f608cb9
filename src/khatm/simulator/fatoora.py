"""One simulated Fatoora: everything that the endpoints share, put together from its configuration."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from khatm.clock import ShiftableClock
from khatm.environment import Environment
from khatm.simulator.authority import Authority
from khatm.simulator.business_rules import RulesPlug
from khatm.simulator.certificates import IssuedCertificate
from khatm.simulator.examiners import Examiners
from khatm.simulator.fault_script import read_fault
from khatm.simulator.faults import DEFAULT_SEED, Faults
from khatm.simulator.gate import Gate
from khatm.simulator.official_rules import OfficialRules
from khatm.simulator.own_certificates import OwnCertificates
from khatm.simulator.portal import Portal
from khatm.simulator.recorder import MOST, MOST_BYTES, Recorder
from khatm.simulator.records import Records
from khatm.simulator.registry import Registry
from khatm.simulator.snapshots import Snapshot, Snapshots
from khatm.simulator.store import Store
from khatm.simulator.switches import Switches, switches_by_environment
from khatm.simulator.taxpayers import Taxpayers
from khatm.simulator.timeshift import TimeShift

if TYPE_CHECKING:
    from khatm.simulator.grading.grader import Grader

STATE_FILE = "simulator.sqlite3"
"""The state's name in a data folder."""
EXCHANGES_FILE = "exchanges.sqlite3"
"""The record's name beside it."""
SNAPSHOTS_FOLDER = "snapshots"
"""The name of the folder beside it that keeps snapshots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """How a simulator is to be; every member has a default."""

    switches: Mapping[Environment, Switches] = field(default_factory=switches_by_environment)
    data: Path | None = None
    """The folder that keeps the state; None keeps it for one run."""
    clock: ShiftableClock = field(default_factory=ShiftableClock)
    canned_certificate: IssuedCertificate | None = None
    """The sandbox's fixed certificate, if an operator configured one."""
    rules: RulesPlug = field(default_factory=OfficialRules)
    """What the switch `rules` names the edition of."""
    address: str = "http://127.0.0.1:8080"
    """Where clients reach the simulator; certificates carry it as the place of their issuer's certificate."""
    hosts: frozenset[str] = frozenset()
    """Further names by which browsers may reach the pages and the management; addresses and localhost always may."""
    keep_exchanges: int = MOST
    """How many exchanges are kept; without a data folder also no more than 64 MiB of them."""
    seed: int | None = None
    """Makes OTPs, secrets and serial numbers the same in every run, and serves faults that name no seed."""
    workers: int = 0
    """How many processes examine documents beside this one; 0: it examines them itself."""
    tls_root: str | None = None
    """The root behind its HTTPS in PEM, for clients to fetch; None where only plain HTTP is served."""


class Fatoora:
    """The parts of one simulator and the state between them."""

    def __init__(self, config: SimulatorConfig) -> None:
        """Open the state and, at its first use, make the authority. Raises what `Store` raises."""
        self.clock = config.clock
        self.rules = config.rules
        self.examiners = Examiners(config.workers) if config.workers else None
        self.random: random.Random = random.SystemRandom() if config.seed is None else random.Random(config.seed)  # noqa: S311 - asked for
        self.gate = Gate()
        self.store = Store(None if config.data is None else config.data / STATE_FILE)
        self.registry = Registry(self.store)
        self.records = Records(self.store)
        self.recorder = _recorder(config)
        self.taxpayers = Taxpayers(self.store, self.registry)
        self.portal = Portal(self.store, self.taxpayers, below=self.random.randrange)
        self.time = TimeShift(self.store, config.clock)
        self.faults = Faults(self.store, read_fault, DEFAULT_SEED if config.seed is None else config.seed)
        self.snapshots = Snapshots(self.store, None if config.data is None else config.data / SNAPSHOTS_FOLDER)
        self.authority = Authority(self.store, self.clock.now(), address=config.address, random=self.random.randbytes)
        self._canned_certificate = config.canned_certificate
        self.own_certificates = self._own_certificates()
        self.tls_root = config.tls_root
        self.hosts = config.hosts
        self._switches = config.switches
        self.grader: Grader | None = None
        """Grades the clients; put in by whoever opens the simulator, where grading is asked for."""

    def switches(self, environment: Environment) -> Switches:
        """Return an environment's switches."""
        return self._switches[environment]

    def reset(self) -> None:
        """Forget all state but the authority's own keys and the snapshots, and let the clock run true again."""
        with self.gate.alone(), self.faults.held():
            self.store.reset()
            self.faults.recall()
            self.recorder.forget()
            self.time.restore()
            if self.grader is not None:
                self.grader.begin_anew()

    def take_snapshot(self) -> Snapshot:
        """Keep the state as it is between two calls. Raises TooManySnapshots."""
        with self.gate.alone(), self.faults.held():
            return self.snapshots.take(self.clock.now())

    def restore_snapshot(self, number: int) -> Snapshot:
        """Go back to a kept state, its faults and its time included. Raises UnknownSnapshot."""
        with self.gate.alone(), self.faults.held():
            snapshot = self.snapshots.restore(number)
            self.time.resume(snapshot.taken_at)
            self.faults.recall()
            self.own_certificates = self._own_certificates()
            return snapshot

    def close(self) -> None:
        """Close the state and end the workers."""
        if self.examiners is not None:
            self.examiners.close()
        self.snapshots.close()
        self.recorder.close()
        self.store.close()

    def _own_certificates(self) -> OwnCertificates:
        return OwnCertificates(self.store, self.authority, self._canned_certificate)


def _recorder(config: SimulatorConfig) -> Recorder:
    if config.data is None:
        return Recorder(most=config.keep_exchanges, most_bytes=MOST_BYTES)
    return Recorder(config.data / EXCHANGES_FILE, most=config.keep_exchanges, most_bytes=None)
