"""The outbox, first floor: one run over what is due, unit by unit, in the order of the chain."""

import random
from collections.abc import Callable

from khatm.clock import Clock
from khatm.environment import Environment
from khatm.ledger.ledger import Ledger
from khatm.ledger.units import Unit
from khatm.submission.readiness import what_is_missing
from khatm.submission.report import DocumentResult, Stopped, SubmissionReport
from khatm.submission.sending import DocumentGateway, Sender
from khatm.submission.unit_queue import UnitQueue

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
) -> SubmissionReport:
    """Send once what is due, of one unit or of all, and return what came of it.

    Standard documents are cleared, simplified ones reported, always with the bytes in the ledger; `report` hears of
    each document as soon as its outcome is stored. A stopped unit is tried again only with `resume`. `rng` spreads the
    times of the next attempts. Raises UnknownUnit, the ledger's errors, and the gateway's for an unusable address.
    Source: the gateway contract 8.1 and 9.
    """
    ledger.require_key()
    run = _Run(ledger, gateway_factory, clock, report, rng or random.Random())  # noqa: S311 (jitter, no secret)
    for each in ledger.units() if unit is None else [ledger.unit(unit)]:
        run.submit_unit(each, resume=resume)
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
    ) -> None:
        self.summary = SubmissionReport()
        self._ledger = ledger
        self._gateway_factory = gateway_factory
        self._clock = clock
        self._listener = listener
        self._rng = rng
        self._closed: set[tuple[Environment, str | None]] = set()

    def submit_unit(self, unit: Unit, *, resume: bool) -> None:
        """Work off one unit, or note why nothing is sent for it."""
        if self._ledger.live_generation(unit) is None:
            self.summary.not_onboarded.append(what_is_missing(self._ledger, unit))
            return
        if unit.stopped_reason is not None and resume:
            self._ledger.resume_unit(unit)
        if (unit.stopped_reason is None or resume) and (unit.environment, unit.gateway_url) not in self._closed:
            self._work_off(unit)
        self._note_what_is_left(unit)

    def _work_off(self, unit: Unit) -> None:
        sender = Sender(self._ledger, self._gateway_factory(unit), unit.name, self._rng)
        queue = UnitQueue(self._ledger, unit, sender, self._clock)
        queue.work_off(self._hear)
        if queue.gateway_closed:
            self._closed.add((unit.environment, unit.gateway_url))

    def _note_what_is_left(self, unit: Unit) -> None:
        left = self._ledger.unsent_count(unit)
        self.summary.waiting += left
        reason = self._ledger.unit(unit.name).stopped_reason
        if reason is not None and left:
            self.summary.stopped.append(Stopped(unit.name, reason, left))

    def _hear(self, result: DocumentResult) -> None:
        self.summary.results.append(result)
        if self._listener is not None:
            self._listener(result)
