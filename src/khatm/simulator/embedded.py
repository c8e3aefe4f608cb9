"""A simulator inside the process: a thread with the wire on a free port of loopback, and its state in memory.

For the demo, for tests of clients, and for anyone who wants a fresh authority in a fraction of a second.
"""

import socket
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from khatm.clock import ShiftableClock
from khatm.environment import Environment
from khatm.simulator.portal import Purpose


class EmbeddedSimulator:
    """A context manager that serves a fresh simulator while it is open.

    `settings` are texts as after `--set` (`simulation.renewal=200`). `data` names a SQLite file; without it the
    state is in memory. The clock may be moved at any time: OTPs, certificates and the 24-hour rule follow it.
    """

    def __init__(
        self,
        *,
        settings: Iterable[str] = (),
        clock: ShiftableClock | None = None,
        data: Path | None = None,
        canned_certificate: bytes | None = None,
    ) -> None: ...

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, without a final slash."""
        ...

    @property
    def gateway_url(self) -> str:
        """What stands for `https://gw-fatoora.zatca.gov.sa/e-invoicing`: `url` plus `/e-invoicing`."""
        ...

    def issue_otp(self, environment: Environment, vat_number: str, purpose: Purpose | str = Purpose.ONBOARDING) -> str:
        """Return a fresh OTP for a taxpayer, as the portal would show it; an unknown VAT number becomes one."""
        ...
