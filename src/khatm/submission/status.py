"""What is not at the authority, and why; sorted by the time that is left."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, cast

from khatm.clock import Clock
from khatm.environment import Environment
from khatm.errors import Language
from khatm.ledger.documents import Document, DocumentState, Profile
from khatm.ledger.events import EventKind
from khatm.ledger.ledger import Ledger
from khatm.ledger.units import Unit
from khatm.submission.lane import HOLDING_ATTEMPTS
from khatm.submission.readiness import what_is_missing
from khatm.submission.report import NotOnboarded
from khatm.submission.retelling import outcome_of


class Obstacle(StrEnum):
    """Why a document is not at the authority."""

    NEVER_SENT = "never_sent"
    """Nobody has tried yet: a worker or `khatm submit` will."""
    RETRY = "retry"
    """Tried without a decision; the same bytes go out again at a known time."""
    BEHIND_ANOTHER = "behind_another"
    """Reporting keeps its order: an earlier document of the unit waits for its next attempt."""
    UNIT_STOPPED = "unit_stopped"
    NOT_ONBOARDED = "not_onboarded"
    CIRCUIT_OPEN = "circuit_open"
    """The gateway failed again and again and is left alone for a moment."""
    SET_ASIDE = "set_aside"
    REJECTED = "rejected"
    """Rejected, and neither corrected nor dismissed."""


_REFUSED = {DocumentState.SET_ASIDE: Obstacle.SET_ASIDE, DocumentState.REJECTED: Obstacle.REJECTED}
NEEDS_SOMEBODY = (Obstacle.UNIT_STOPPED, Obstacle.NOT_ONBOARDED, Obstacle.SET_ASIDE, Obstacle.REJECTED)


@dataclass(frozen=True, slots=True)
class OpenCircuit:
    """A gateway that some process leaves alone until a moment."""

    environment: Environment
    gateway: str | None
    """Its address, None for the one of the settings or ZATCA's own."""
    until: datetime
    reason: dict[str, str]


@dataclass(frozen=True, slots=True)
class OpenDocument:
    """One document that is not at the authority."""

    unit: str
    document: Document
    obstacle: Obstacle
    time_left: timedelta | None
    """Until the end of its 24 hours; negative when they are over, None where no period runs."""
    behind: int | None
    """The ICV of the document that it waits behind."""
    reason: dict[str, str]
    """The last answer or what to do, by language; empty when there is nothing to say."""
    follows: str | None
    """UUID of the document that it corrects or changes."""

    def sentence(self, language: Language = "en") -> str:
        """Return why it is not there, in a few words."""
        moment = "" if self.document.next_attempt_at is None else f"{self.document.next_attempt_at:%Y-%m-%d %H:%M:%S}Z"
        facts = {"attempts": self.document.attempts, "moment": moment, "behind": self.behind}
        words = _WORDS[self.obstacle][1 if language == "ar" else 0].format_map(facts)
        said = self.reason.get(language)
        return f"{words}: {said}" if said else words


_WORDS: dict[Obstacle, tuple[str, str]] = {
    Obstacle.NEVER_SENT: ("never sent", "لم يُرسل بعد"),
    Obstacle.RETRY: ("waits for {moment} after {attempts} attempts", "ينتظر {moment} بعد {attempts} من المحاولات"),
    Obstacle.BEHIND_ANOTHER: ("waits behind ICV {behind}", "ينتظر خلف المستند ذي العداد {behind}"),
    Obstacle.UNIT_STOPPED: ("unit stopped", "الوحدة متوقفة"),
    Obstacle.NOT_ONBOARDED: ("unit not onboarded", "الوحدة غير مهيأة"),
    Obstacle.CIRCUIT_OPEN: ("gateway left alone for a moment", "البوابة متروكة لبرهة"),
    Obstacle.SET_ASIDE: ("set aside", "نُحّي جانبًا"),
    Obstacle.REJECTED: ("rejected, not corrected", "مرفوض ولم يُصحَّح"),
}


@dataclass(frozen=True, slots=True)
class UnitStatus:
    """One unit: the head of its chain, how much waits, and what keeps it from sending."""

    unit: Unit
    waiting: int
    onboarded: bool


@dataclass(frozen=True, slots=True)
class Status:
    """All of it at one moment."""

    at: datetime
    documents: tuple[OpenDocument, ...]
    """Those with the least time left first; with a limit only the first ones."""
    units: tuple[UnitStatus, ...]
    circuits: tuple[OpenCircuit, ...]

    @property
    def waiting(self) -> int:
        """How many documents have no decision, shown or not."""
        return sum(unit.waiting for unit in self.units)

    @property
    def exit_code(self) -> int:
        """1 if something needs somebody or a period is over, else 3 if a document waits, else 0."""
        overdue = any(one.time_left is not None and one.time_left < timedelta(0) for one in self.documents)
        if overdue or any(one.obstacle in NEEDS_SOMEBODY for one in self.documents):
            return 1
        return 3 if self.waiting else 0


def status_of(ledger: Ledger, clock: Clock, unit_name: str | None = None, *, limit: int = 0) -> Status:
    """Return what is not at the authority, of one unit or of all, at most `limit` waiting documents (0: all).

    Raises UnknownUnit. What it costs depends on what is open, not on the size of the archive.
    """
    now = clock.now()
    wanted = None if unit_name is None else ledger.unit(unit_name)
    units = {unit.id: unit for unit in (ledger.units() if wanted is None else [wanted])}
    counts = ledger.waiting_counts()
    circuits = _open_circuits(ledger, now)
    reader = _Reader(ledger, units, circuits, now)
    found = [
        reader.describe(document)
        for document in (*ledger.undecided_documents(wanted, limit), *ledger.refused_documents(wanted))
    ]
    found.sort(
        key=lambda one: (one.time_left is None, one.time_left or timedelta(0), one.document.issued_at, one.document.id)
    )
    return Status(
        at=now,
        documents=tuple(found),
        units=tuple(UnitStatus(unit, counts.get(unit.id, 0), reader.missing(unit) is None) for unit in units.values()),
        circuits=tuple(circuits),
    )


class _Reader:
    """Says of each document why it is not at the authority; asks the ledger once per unit."""

    def __init__(self, ledger: Ledger, units: dict[int, Unit], circuits: list[OpenCircuit], now: datetime) -> None:
        self._ledger = ledger
        self._units = units
        self._circuits = circuits
        self._now = now
        self._missing: dict[int, NotOnboarded | None] = {}
        self._holders: dict[int, int | None] = {}

    def missing(self, unit: Unit) -> NotOnboarded | None:
        """Return what a unit lacks before it can send, None when it lacks nothing."""
        if unit.id not in self._missing:
            live = self._ledger.live_generation(unit)
            self._missing[unit.id] = None if live else what_is_missing(self._ledger, unit, blocks=True)
        return self._missing[unit.id]

    def describe(self, document: Document) -> OpenDocument:
        unit = self._units[document.unit_id]
        obstacle, reason = self._obstacle(unit, document)
        behind = self._behind(unit, document) if obstacle in (Obstacle.NEVER_SENT, Obstacle.RETRY) else None
        if behind is not None and (document.next_attempt_at is None or document.next_attempt_at <= self._now):
            obstacle, reason = Obstacle.BEHIND_ANOTHER, {}
        else:
            behind = None
        left = None if document.deadline is None else document.deadline - self._now
        follows = None if document.follows is None else self._ledger.document_by_id(document.follows).uuid
        return OpenDocument(unit.name, document, obstacle, left, behind, reason, follows)

    def _obstacle(self, unit: Unit, document: Document) -> tuple[Obstacle, dict[str, str]]:
        refused = _REFUSED.get(document.state)
        if refused is not None:
            return refused, self._last_answer(document)
        missing = self.missing(unit)
        if missing is not None:
            return Obstacle.NOT_ONBOARDED, _both(missing)
        if unit.stopped_reason is not None:
            return Obstacle.UNIT_STOPPED, {}
        for circuit in self._circuits:
            if (circuit.environment, circuit.gateway) == (unit.environment, unit.gateway_url):
                return Obstacle.CIRCUIT_OPEN, circuit.reason
        tried = document.attempts > 0
        return (Obstacle.RETRY, self._last_answer(document)) if tried else (Obstacle.NEVER_SENT, {})

    def _behind(self, unit: Unit, document: Document) -> int | None:
        """Return the ICV of the earlier document of the unit that reporting waits for, if it does."""
        if document.profile is not Profile.SIMPLIFIED:
            return None
        if unit.id not in self._holders:
            self._holders[unit.id] = self._ledger.reporting_holder(unit, HOLDING_ATTEMPTS)
        holder = self._holders[unit.id]
        return holder if holder is not None and holder < document.icv else None

    def _last_answer(self, document: Document) -> dict[str, str]:
        last = self._ledger.last_exchange(document)
        if last is None:
            return {} if document.reason is None else {"en": document.reason, "ar": document.reason}
        return _both(outcome_of(last))


class _Told(Protocol):
    def sentence(self, language: Language = "en") -> str: ...


def _both(told: _Told) -> dict[str, str]:
    return {"en": told.sentence("en"), "ar": told.sentence("ar")}


def _open_circuits(ledger: Ledger, now: datetime) -> list[OpenCircuit]:
    """Return the gateways that were left alone last and whose time is not over; a closing ends an opening."""
    newest: dict[tuple[object, object], OpenCircuit | None] = {}
    for event in ledger.gateway_events(limit=50):
        environment, gateway, reason = (event.facts.get(name) for name in ("environment", "gateway", "reason"))
        newest[environment, gateway] = None
        if event.kind is EventKind.CIRCUIT_OPENED:
            until = datetime.fromisoformat(str(event.facts["until"]))
            if until > now:
                newest[environment, gateway] = OpenCircuit(
                    Environment(str(environment)), cast("str | None", gateway), until, cast("dict[str, str]", reason)
                )
    return [circuit for circuit in newest.values() if circuit is not None]
