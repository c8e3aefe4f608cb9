"""A simulator inside the process: a thread with the wire on a free port of loopback, and its state in memory.

For the demo, for tests of clients, and for anyone who wants a fresh authority in a fraction of a second.
"""

import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from khatm.clock import ShiftableClock
from khatm.environment import Environment
from khatm.simulator.business_rules import RulesPlug
from khatm.simulator.fatoora import Fatoora, SimulatorConfig
from khatm.simulator.fault_script import read_script
from khatm.simulator.manage import purpose_of
from khatm.simulator.manage_reading import vat_number_of
from khatm.simulator.official_rules import OfficialRules
from khatm.simulator.own_certificates import read_canned_file
from khatm.simulator.portal import Purpose
from khatm.simulator.profile import read_profile
from khatm.simulator.recorder import MOST
from khatm.simulator.server import Server, listen, url_of
from khatm.simulator.switches import switches_by_environment


class EmbeddedSimulator:
    """A context manager that serves a fresh simulator while it is open.

    `settings` are texts as after `--set` (`simulation.renewal=200`). `data` names a folder for the state; without it
    the state is kept in memory. The clock may be moved at any time: OTPs, certificates and the 24-hour rule follow.
    """

    def __init__(
        self,
        *,
        settings: Iterable[str] = (),
        profile: Path | None = None,
        clock: ShiftableClock | None = None,
        data: Path | None = None,
        canned_certificate: Path | None = None,
        rules: RulesPlug | None = None,
        keep_exchanges: int = MOST,
        seed: int | None = None,
    ) -> None:
        """`canned_certificate` is the file of the sandbox's fixed certificate, `rules` stands in for the official ones.

        `seed` makes OTPs, secrets, serial numbers and what faults draw by lot the same in every run.

        `profile` is a file of settings, which `settings` come after.
        Raises what `parse_setting`, `read_profile` and `read_canned_file` raise.
        """
        self.clock = clock or ShiftableClock()
        self._canned = None if canned_certificate is None else read_canned_file(canned_certificate)
        set_by_file = () if profile is None else read_profile(profile)
        self._switches = switches_by_environment(
            settings, profile=set_by_file, canned_certificate=self._canned is not None
        )
        self._rules = rules or OfficialRules()
        self._data = data
        self._keep_exchanges = keep_exchanges
        self._seed = seed
        self._url = ""
        self._fatoora: Fatoora | None = None
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start serving; returns when connections are accepted. Raises what `Fatoora` raises."""
        listener = listen("127.0.0.1", 0)
        self._url = url_of(listener)
        config = SimulatorConfig(
            switches=self._switches,
            data=self._data,
            clock=self.clock,
            canned_certificate=self._canned,
            rules=self._rules,
            address=self._url,
            keep_exchanges=self._keep_exchanges,
            seed=self._seed,
        )
        try:
            self._fatoora = Fatoora(config)
        except BaseException:
            listener.close()
            raise
        ready = threading.Event()
        server = self._server = Server(self._fatoora, ready.set)

        def serve() -> None:
            try:
                server.run(sockets=[listener])
            finally:
                ready.set()

        self._thread = threading.Thread(target=serve, name="khatm-simulator", daemon=True)
        self._thread.start()
        ready.wait()
        if not server.started:
            raise RuntimeError("the embedded simulator did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop serving and close the state."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
        if self._fatoora is not None:
            self._fatoora.close()

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, without a final slash."""
        return self._url

    @property
    def gateway_url(self) -> str:
        """What stands for `https://gw-fatoora.zatca.gov.sa/e-invoicing`: `url` plus `/e-invoicing`."""
        return f"{self._url}/e-invoicing"

    @property
    def fatoora(self) -> Fatoora:
        """The parts of the running simulator, for tests that look behind the wire."""
        assert self._fatoora is not None, "the simulator is not open"
        return self._fatoora

    def arm_faults(self, script: object) -> list[int]:
        """Arm a fault or a script of several (docs/simulator.md), return their numbers. Raises InvalidFault."""
        return [each.id for each in self.fatoora.faults.arm(read_script(script))]

    def clear_faults(self) -> None:
        """Disarm all faults."""
        self.fatoora.faults.clear()

    def take_snapshot(self) -> int:
        """Keep the whole state, return the snapshot's number."""
        return self.fatoora.take_snapshot().id

    def restore_snapshot(self, number: int) -> None:
        """Go back to a kept state; the clock goes on from its moment. Raises UnknownSnapshot."""
        self.fatoora.restore_snapshot(number)

    def issue_otp(
        self, environment: Environment | str, vat_number: str, purpose: Purpose | str = Purpose.ONBOARDING
    ) -> str:
        """Return a fresh OTP for a taxpayer, as the portal would show it; an unknown VAT number becomes one.

        Raises InvalidManagementRequest for a VAT number or purpose that is none.
        """
        where = Environment(environment)
        [otp] = self.fatoora.portal.issue(
            where,
            vat_number_of(vat_number),
            purpose=purpose_of(purpose),
            count=1,
            switches=self.fatoora.switches(where),
            now=self.clock.now(),
        )
        return otp.code
