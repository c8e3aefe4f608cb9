"""The outbox: one run over what is due, unit by unit, in the order of the chain."""

import random
from collections.abc import Callable

from khatm.clock import Clock
from khatm.ledger.ledger import Ledger
from khatm.ledger.units import Unit
from khatm.submission.breaker import Breakers
from khatm.submission.circuits import journalled_breakers
from khatm.submission.claiming import ClaimKeeper
from khatm.submission.readiness import what_is_missing
from khatm.submission.report import DocumentResult, SubmissionReport
from khatm.submission.sending import DocumentGateway
from khatm.submission.unit_run import UnitRun

GatewayFactory = Callable[[Unit], DocumentGateway]
"""Gives the gateway client of a unit; whoever made the factory closes what it gave."""

Listener = Callable[[DocumentResult], None]


def submit_due(
    ledger: Ledger,
    gateway_factory: GatewayFactory,
    clock: Clock,
    unit: str | None = None,
    report: Listener | None = None,
    *,
    resume: bool = False,
    rng: random.Random | None = None,
    breakers: Breakers | None = None,
) -> SubmissionReport:
    """Send once what is due, of one unit or of all, and return what came of it.

    Standard documents are cleared, simplified ones reported, always with the bytes in the ledger; `report` hears of
    each document as soon as its outcome is stored. A stopped unit is tried again only with `resume`. `rng` spreads the
    times of the next attempts. Raises UnknownUnit, the ledger's errors, and the gateway's for an unusable address.
    Source: the gateway contract 8.1 and 9.
    """
    ledger.require_key()
    with ClaimKeeper(ledger) as keeper:
        run = _Run(
            ledger,
            gateway_factory,
            clock,
            report,
            rng or random.Random(),  # noqa: S311 (jitter, no secret)
            keeper,
            breakers or journalled_breakers(ledger, clock),
        )
        for each in ledger.units() if unit is None else [ledger.unit(unit)]:
            run.submit_unit(each, resume=resume, asked_for=unit is not None)
    return run.summary


class _Run:
    """One run: what it finds out about a gateway holds for all units that use it."""

    def __init__(
        self,
        ledger: Ledger,
        gateway_factory: GatewayFactory,
        clock: Clock,
        listener: Listener | None,
        rng: random.Random,
        keeper: ClaimKeeper,
        breakers: Breakers,
    ) -> None:
        self.summary = SubmissionReport()
        self._ledger = ledger
        self._gateway_factory = gateway_factory
        self._clock = clock
        self._listener = listener
        self._rng = rng
        self._keeper = keeper
        self._breakers = breakers

    def submit_unit(self, unit: Unit, *, resume: bool, asked_for: bool) -> None:
        """Work off one unit, or note why nothing is sent for it."""
        if self._ledger.live_generation(unit) is None:
            blocks = asked_for or self._ledger.unsent_count(unit) > 0
            self.summary.not_onboarded.append(what_is_missing(self._ledger, unit, blocks=blocks))
            return
        if unit.stopped_reason is not None and resume:
            self._ledger.resume_unit(unit)
        if unit.stopped_reason is None or resume:
            breaker = self._breakers.of(unit.environment, unit.gateway_url)
            if breaker.is_ready() and self._ledger.unsent_count(unit):
                UnitRun(
                    self._ledger,
                    unit,
                    self._gateway_factory(unit),
                    self._keeper,
                    breaker,
                    self._clock,
                    self._rng,
                ).work_off(self._hear)
        self.summary.note_what_is_left(self._ledger, unit)

    def _hear(self, result: DocumentResult) -> None:
        self.summary.hear(result)
        if self._listener is not None:
            self._listener(result)
