"""A simulator inside the process, its state in memory: with a thread that serves it on loopback, or without sockets.

For the demo, for tests of clients, and for anyone who wants a fresh authority in a fraction of a second.
"""

import contextlib
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypedDict, Unpack

from starlette.types import ASGIApp

from khatm.clock import ShiftableClock
from khatm.environment import Environment
from khatm.simulator.app import create_app
from khatm.simulator.business_rules import RulesPlug
from khatm.simulator.errors import NotGrading
from khatm.simulator.fatoora import Fatoora, SimulatorConfig
from khatm.simulator.fault_script import read_script
from khatm.simulator.grading.grader import Grade, Grader
from khatm.simulator.grading.provocations import chosen_cases
from khatm.simulator.grading.report import ReportFiles
from khatm.simulator.listening import listen, url_of
from khatm.simulator.manage import purpose_of
from khatm.simulator.manage_reading import vat_number_of
from khatm.simulator.official_rules import OfficialRules
from khatm.simulator.own_certificates import read_canned_file
from khatm.simulator.portal import Purpose
from khatm.simulator.profile import read_profile
from khatm.simulator.reach import Reach
from khatm.simulator.recorder import MOST
from khatm.simulator.server import Server
from khatm.simulator.switches import switches_by_environment
from khatm.simulator.tls import GATEWAY_HOST
from khatm.simulator.web.grade import report_page


class Options(TypedDict, total=False):
    """What a simulator inside the process can be told; `InProcessSimulator` says what each means."""

    settings: Iterable[str]
    profile: Path | None
    clock: ShiftableClock | None
    data: Path | None
    canned_certificate: Path | None
    rules: RulesPlug | None
    keep_exchanges: int
    seed: int | None
    grade: bool | Path
    grade_cases: Iterable[str]


class InProcessSimulator:
    """A context manager that holds a fresh simulator without a socket; `app` is its ASGI application.

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
        grade: bool | Path = False,
        grade_cases: Iterable[str] = (),
    ) -> None:
        """`canned_certificate` is the file of the sandbox's fixed certificate, `rules` stands in for the official ones.

        `seed` makes OTPs, secrets, serial numbers and what faults draw by lot the same in every run.

        `grade` lets clients be graded; a path also writes the report there. `grade_cases` are the cases to provoke,
        all of them without it, and none for `["none"]` (docs/grading.md).

        `profile` is a file of settings, which `settings` come after.
        Raises what `parse_setting`, `read_profile` and `read_canned_file` raise, and UnknownCase.
        """
        self.clock = clock or ShiftableClock()
        canned = None if canned_certificate is None else read_canned_file(canned_certificate)
        set_by_file = () if profile is None else read_profile(profile)
        self._config = SimulatorConfig(
            switches=switches_by_environment(settings, profile=set_by_file, canned_certificate=canned is not None),
            data=data,
            clock=self.clock,
            canned_certificate=canned,
            rules=rules or OfficialRules(),
            address=f"https://{GATEWAY_HOST}",
            keep_exchanges=keep_exchanges,
            seed=seed,
        )
        self._fatoora: Fatoora | None = None
        self._graded = grade
        self._cases = chosen_cases(tuple(grade_cases))
        self._report: ReportFiles | None = None

    def __enter__(self) -> Self:
        """Make the state. Raises what `Fatoora` raises, and UnwritableReport."""
        with contextlib.ExitStack() as undo:
            fatoora = self._fatoora = Fatoora(self._config)
            undo.callback(fatoora.close)
            if self._graded:
                fatoora.grader = Grader(fatoora, self._cases)
                if isinstance(self._graded, Path):
                    self._report = ReportFiles(self._graded, fatoora.grader, report_page).__enter__()
            undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Write the report a last time, and close the state. Raises UnwritableReport."""
        try:
            if self._report is not None:
                self._report.__exit__(kind, error, traceback)
        finally:
            if self._fatoora is not None:
                self._fatoora.close()

    def grade(self) -> Grade:
        """Return how the clients did, judged as if nothing more came. Raises NotGrading."""
        if self.fatoora.grader is None:
            raise NotGrading
        return self.fatoora.grader.grade(final=True)

    @property
    def app(self) -> ASGIApp:
        """The ASGI application: gateway, management and pages."""
        return create_app(self.fatoora)

    @property
    def url(self) -> str:
        """Where clients find the simulator, without a final slash."""
        return self._config.address

    @property
    def gateway_url(self) -> str:
        """What stands for `https://gw-fatoora.zatca.gov.sa/e-invoicing`: `url` plus `/e-invoicing`."""
        return f"{self.url}/e-invoicing"

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


class EmbeddedSimulator(InProcessSimulator):
    """A simulator that is served on a free port of loopback while it is open.

    With `https` and `proxy` it is reached by clients with a fixed address too, as by `--https-port` and `--proxy-port`.
    """

    def __init__(self, *, https: bool = False, proxy: bool = False, **options: Unpack[Options]) -> None:
        """`options` are those of `InProcessSimulator`. Raises what it raises."""
        super().__init__(**options)
        self._https_port = 0 if https else None
        self._proxy_port = 0 if proxy else None
        self._reach: Reach | None = None
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start serving; returns when connections are accepted.

        Raises what `Fatoora` raises, AddressTaken and UnusableTlsRoot.
        """
        with contextlib.ExitStack() as undo:
            listener = undo.enter_context(listen("127.0.0.1", 0))
            reach = self._reach = Reach.open(
                "127.0.0.1", https_port=self._https_port, proxy_port=self._proxy_port, folder=self._config.data
            )
            if reach is not None:
                undo.callback(reach.close)
            root = None if reach is None else reach.root.pem
            self._config = replace(self._config, address=url_of(listener), tls_root=root)
            super().__enter__()
            undo.pop_all()
        ready = threading.Event()
        server = self._server = Server(self.fatoora, ready.set, reach)

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
        super().__exit__(kind, error, traceback)
        if self._reach is not None:
            self._reach.close()

    @property
    def https_url(self) -> str | None:
        """`https://127.0.0.1:PORT`, None without `https`."""
        return None if self._reach is None else self._reach.https_url

    @property
    def proxy_url(self) -> str | None:
        """What `HTTPS_PROXY` is set to, None without `proxy`."""
        return None if self._reach is None else self._reach.proxy_url

    @property
    def tls_root_file(self) -> Path | None:
        """The root to trust in PEM, as long as the simulator is open; None without `https` and `proxy`."""
        return None if self._reach is None else self._reach.root.file

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables that bring a program here: proxy and root, as far as they are asked for."""
        return {} if self._reach is None else self._reach.environ()
