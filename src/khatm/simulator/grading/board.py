"""What is known of each case at this moment: a state, what was found, and the exchanges that show it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from khatm.simulator.grading.cases import CASE_IDS
from khatm.simulator.grading.sighting import Sighting
from khatm.simulator.store import utc_text

State = Literal["passed", "failed", "undecided", "not_exercised"]
STATES: Final[tuple[State, ...]] = ("failed", "undecided", "passed", "not_exercised")
_LONGEST = 120
_MOST_EVIDENCE = 6


@dataclass(frozen=True, slots=True)
class Evidence:
    """One exchange, as far as it shows something; no secrets, no bodies."""

    exchange: int
    members: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Mark:
    """How a case stands."""

    state: State = "not_exercised"
    finding: str | None = None
    """The key of the sentence that says what was found."""
    facts: Mapping[str, object] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()


class Board:
    """The marks of all cases. A failure stays; a pass stands until a failure; what is undecided gives way to both."""

    def __init__(self) -> None:
        self._marks: dict[str, Mark] = dict.fromkeys(CASE_IDS, Mark())
        self._kept: dict[str, int] = {}
        self.version = 0
        """Rises with every change."""

    def mark(self, case: str) -> Mark:
        """Return how a case stands."""
        return self._marks[case]

    def marks(self) -> dict[str, Mark]:
        """Return all marks by the case's id."""
        return dict(self._marks)

    def failed(self, case: str, finding: str, *shown: Sighting, **facts: object) -> None:
        """Fail a case for good."""
        if self._marks[case].state != "failed":
            self._put(case, Mark("failed", finding, _plain(facts), _evidence(shown)))

    def passed(self, case: str, finding: str, *shown: Sighting, **facts: object) -> None:
        """Pass a case unless it has failed."""
        if self._marks[case].state != "failed":
            self._put(case, Mark("passed", finding, _plain(facts), _evidence(shown)))

    def undecided(self, case: str, finding: str, *shown: Sighting, **facts: object) -> None:
        """Note that a case was met; what comes next decides it."""
        if self._marks[case].state in ("not_exercised", "undecided"):
            self._put(case, Mark("undecided", finding, _plain(facts), _evidence(shown)))

    def kept(self, case: str, sighting: Sighting) -> None:
        """Note one more call in which a rule was kept; the first one is shown."""
        count = self._kept[case] = self._kept.get(case, 0) + 1
        mark = self._marks[case]
        if mark.state == "failed":
            return
        if mark.state == "passed" and mark.finding == "kept":
            self._put(case, replace(mark, facts={"count": count}))
        else:
            self._put(case, Mark("passed", "kept", {"count": count}, _evidence((sighting,))))

    def _put(self, case: str, mark: Mark) -> None:
        self._marks[case] = mark
        self.version += 1


def cut(value: object) -> str:
    """Return a value of the wire as a report can hold it: short, on one line, without characters that steer text."""
    text = "".join(each for each in " ".join(str(value).split()) if each.isprintable())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _plain(facts: Mapping[str, object]) -> dict[str, object]:
    return {name: value if isinstance(value, int | float) else cut(value) for name, value in facts.items()}


def _evidence(shown: tuple[Sighting, ...]) -> tuple[Evidence, ...]:
    once = {each.number: each for each in shown}
    return tuple(Evidence(each.number, _members(each)) for each in list(once.values())[:_MOST_EVIDENCE])


def _members(sighting: Sighting) -> dict[str, object]:
    exchange, document = sighting.exchange, sighting.document
    response, fault = exchange.response, exchange.fault
    return {
        "exchange": sighting.number,
        "at": utc_text(exchange.received_at),
        "environment": exchange.environment,
        "endpoint": exchange.endpoint,
        "method": cut(exchange.request.method),
        "path": cut(exchange.request.path),
        "status": None if response is None or (fault and fault.delivered == "nothing") else response.status,
        "codes": [cut(each["code"]) for each in sighting.messages][:5],
        "struck": None if fault is None else fault.then,
        "true_status": None if fault is None else fault.true_status,
        "document": None
        if document is None
        else {
            "number": cut(document.number),
            "uuid": cut(document.uuid),
            "icv": cut(document.counter),
            "hash": document.document_hash,
            "profile": document.profile,
            "type_code": cut(document.type_code),
        },
    }
