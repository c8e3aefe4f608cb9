"""One simulated Fatoora: everything that the endpoints share, put together from its configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from khatm.clock import ShiftableClock
from khatm.environment import Environment
from khatm.simulator.authority import Authority
from khatm.simulator.business_rules import RulesPlug
from khatm.simulator.certificates import IssuedCertificate
from khatm.simulator.official_rules import OfficialRules
from khatm.simulator.own_certificates import OwnCertificates
from khatm.simulator.portal import Portal
from khatm.simulator.recorder import Recorder
from khatm.simulator.records import Records
from khatm.simulator.registry import Registry
from khatm.simulator.store import Store
from khatm.simulator.switches import Switches, switches_by_environment
from khatm.simulator.taxpayers import Taxpayers
from khatm.simulator.timeshift import TimeShift

STATE_FILE = "simulator.sqlite3"
"""The state's name in a data folder."""


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


class Fatoora:
    """The parts of one simulator and the state between them."""

    def __init__(self, config: SimulatorConfig) -> None:
        """Open the state and, at its first use, make the authority. Raises what `Store` raises."""
        self.clock = config.clock
        self.rules = config.rules
        self.store = Store(None if config.data is None else config.data / STATE_FILE)
        self.registry = Registry(self.store)
        self.records = Records(self.store)
        self.recorder = Recorder()
        self.taxpayers = Taxpayers(self.store, self.registry)
        self.portal = Portal(self.store, self.taxpayers)
        self.time = TimeShift(self.store, config.clock)
        self.authority = Authority(self.store, self.clock.now(), address=config.address)
        self.own_certificates = OwnCertificates(self.store, self.authority, config.canned_certificate)
        self.hosts = config.hosts
        self._switches = config.switches

    def switches(self, environment: Environment) -> Switches:
        """Return an environment's switches."""
        return self._switches[environment]

    def reset(self) -> None:
        """Forget all state but the authority's own keys, and let the clock run true again."""
        self.store.reset()
        self.recorder.forget()
        self.time.restore()

    def close(self) -> None:
        """Close the state."""
        self.store.close()
