"""The simulator as a test holds it: everything that a client's test asks of it without going over the wire."""

from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.exchange_view import exchange_members
from khatm.simulator.portal import Purpose
from khatm.simulator.recorder import MOST, Wanted

VAT_NUMBER = "399999999900003"
"""The taxpayer of ZATCA's published samples."""


class FaultBench:
    """Faults of one simulator: docs/simulator.md has the members of a script."""

    def __init__(self, simulator: EmbeddedSimulator) -> None:
        self._simulator = simulator

    def arm(self, script: object) -> list[int]:
        """Arm a fault or a script of several, return their numbers. Raises InvalidFault."""
        return self._simulator.arm_faults(script)

    def clear(self) -> None:
        """Disarm all."""
        self._simulator.clear_faults()

    def armed(self) -> list[dict[str, object]]:
        """Return what is armed, and how often each has `fired`."""
        return [each.shown() for each in self._simulator.fatoora.faults.armed()]


class FatooraSimulator(EmbeddedSimulator):
    """A simulator on a free port of loopback, fresh and to be thrown away.

    `url`, `gateway_url` and `clock` come with it, and `https_url`, `proxy_url` and `tls_root_file` where the test
    asks for them.
    """

    def otp(
        self,
        vat_number: str = VAT_NUMBER,
        *,
        environment: Environment | str = Environment.SIMULATION,
        purpose: Purpose | str = Purpose.ONBOARDING,
    ) -> str:
        """Return a fresh one-time password, as the portal would show it. Raises InvalidManagementRequest."""
        return self.issue_otp(environment, vat_number, purpose)

    @property
    def faults(self) -> FaultBench:
        """The faults that wait for calls."""
        return FaultBench(self)

    def exchanges(self) -> list[dict[str, object]]:
        """Return what went over the wire, oldest first, as `GET /manage/exchanges?reveal=true` shows it."""
        return [exchange_members(each, reveal=True) for each in self.fatoora.recorder.find(Wanted(), MOST)]
