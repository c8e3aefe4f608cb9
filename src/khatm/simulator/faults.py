"""Faults on demand: which calls a fault waits for, how often it strikes, and what it then does to the call.

Nothing here is random but by a seed: a script of faults does the same to the same calls in every run.
Source: gateway contract, sections 12 and 14.2.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

from khatm.environment import Environment
from khatm.simulator.errors import TooManyFaults, UnknownFault
from khatm.simulator.store import Store

EndpointName = Literal["compliance_csid", "compliance_check", "production_csid", "renewal", "reporting", "clearance"]
"""The six endpoints in the order of gateway contract 1.1."""
ENDPOINT_NAMES: tuple[EndpointName, ...] = get_args(EndpointName)

When = Literal["before", "after"]
Drop = Literal["close", "reset"]
Truncation = Literal["connection", "json"]
Event = Literal["certificate-revoked", "certificate-expired", "otp-expired"]
Change = Literal[
    "false-certificate-warning", "info-as-object", "no-cleared-invoice", "not-compliant", "untyped-messages"
]

MOST_FAULTS = 1000
DEFAULT_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A body that a script writes itself."""

    text: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What a fault does to the call that it strikes: the members of `then`."""

    delay: float = 0.0
    """Seconds of real time, whatever the simulator's clock does."""
    when: When = "before"
    """Whether `drop`, `status` and `delay` come before the call is processed (with the first two, it never is)."""
    drop: Drop | None = None
    """End the connection without an answer: closed, or reset."""
    status: int | None = None
    """Answer this instead of what the call would have had."""
    body: str | None = None
    """The family of body that goes with `status`; None is the status's usual one."""
    content: Content | None = None
    """A body of the script's own instead of a family."""
    retry_after: str | None = None
    """The header of that name, seconds or an HTTP date."""
    change: tuple[Change, ...] = ()
    """What is altered in the true answer."""
    truncate: Truncation | None = None
    """Send part of the body: with the whole length declared and the connection closed, or as broken JSON."""
    keep: int | None = None
    """How many octets `truncate` leaves; None is half of them."""
    bytes_per_second: int | None = None
    """Trickle the body."""
    clearance_off: bool = False
    """Answer as if clearance were switched off: 303, and a standard document may be reported."""
    reject: str | None = None
    """The code of an error that the document is refused for, and noted as rejected."""
    event: Event | None = None
    """What happens to the caller before the call is looked at."""
    advance_seconds: float = 0.0
    """Moves the simulator's clock before the call is looked at."""

    @property
    def prevents_processing(self) -> bool:
        """Tell whether the call never reaches the authority."""
        return self.when == "before" and (self.drop is not None or self.status is not None)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One entry of a script."""

    members: dict[str, object]
    """As it was written, for those who ask what is armed."""
    environment: Environment | None
    endpoint: EndpointName | None
    """None is every endpoint."""
    unit: str | None
    """VAT number, common name, serial or token hash."""
    times: int | None
    """How often it strikes; None is until it is cleared."""
    every: int
    """It strikes each time that this many calls have come by."""
    probability: float
    seed: int | None
    answered: frozenset[int]
    """The true answers that it waits for; empty is any, decided before the call is processed."""
    then: Effects

    @cached_property
    def text(self) -> str:
        """The entry as JSON in one spelling."""
        return json.dumps(self.members, sort_keys=True, ensure_ascii=False)

    def strikes(self, count: int, seed: int) -> bool:
        """Tell whether the call with this count, from 1 on, among those that it waits for is struck."""
        if count % self.every:
            return False
        if self.probability >= 1:
            return True
        drawn = hashlib.sha256(f"{seed if self.seed is None else self.seed} {self.text} {count}".encode()).digest()
        return int.from_bytes(drawn[:8]) < self.probability * 2**64


@dataclass(frozen=True, slots=True)
class FaultCall:
    """A call as a fault sees it."""

    environment: Environment
    endpoint: EndpointName
    names: Callable[[], frozenset[str]]
    """The caller's names, looked up only if a fault asks for a unit."""


@dataclass(slots=True)
class ArmedFault:
    """A fault on duty."""

    id: int
    fault: Fault
    matched: int = 0
    """How many calls it has looked at."""
    fired: int = 0

    @property
    def spent(self) -> bool:
        """Tell whether it has struck as often as it may."""
        return self.fault.times is not None and self.fired >= self.fault.times

    def shown(self) -> dict[str, object]:
        """Return its JSON members."""
        return {
            "id": self.id,
            **self.fault.members,
            "matched": self.matched,
            "fired": self.fired,
            "remaining": None if self.fault.times is None else self.fault.times - self.fired,
        }


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault that has struck a call."""

    id: int
    fired: int
    """The number of this strike among those of the fault, from 1 on."""
    then: Effects
    members: object = field(repr=False)
    """`then` as it was written."""
    case: str | None = None
    """The case of the grading that strikes; None for a fault of the script."""


class Faults:
    """The script that is armed, kept with the state; of several faults that wait for a call the first one strikes."""

    def __init__(self, store: Store, read: Callable[[object], Fault], seed: int = DEFAULT_SEED) -> None:
        """`read` makes a fault of its kept members; `seed` serves faults that name none."""
        self._store = store
        self._read = read
        self._seed = seed
        self._lock = threading.RLock()
        self._armed: list[ArmedFault] = []
        self.recall()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let no fault strike meanwhile."""
        with self._lock:
            yield

    def recall(self) -> None:
        """Take the script from the state."""
        with self._lock, self._store.reading() as connection:
            rows = connection.execute("SELECT id, script, matched, fired FROM fault ORDER BY id").fetchall()
            self._armed = [
                ArmedFault(row["id"], self._read(json.loads(row["script"])), row["matched"], row["fired"])
                for row in rows
            ]

    def arm(self, faults: Sequence[Fault]) -> list[ArmedFault]:
        """Add faults behind those that are armed, in order. Raises TooManyFaults."""
        with self._lock, self._store.transaction() as connection:
            if len(self._armed) + len(faults) > MOST_FAULTS:
                raise TooManyFaults(found=len(self._armed) + len(faults), allowed=MOST_FAULTS)
            added = []
            for fault in faults:
                number = self._store.next_number("faults")
                connection.execute("INSERT INTO fault VALUES (?, ?, 0, 0)", (number, fault.text))
                added.append(ArmedFault(number, fault))
            self._armed = [*self._armed, *added]
            return added

    def clear(self, number: int | None = None) -> int:
        """Disarm one fault or all of them, return how many that were. Raises UnknownFault."""
        with self._lock, self._store.transaction() as connection:
            gone = [each for each in self._armed if number is None or each.id == number]
            if number is not None and not gone:
                raise UnknownFault(fault=str(number))
            connection.executemany("DELETE FROM fault WHERE id = ?", [(each.id,) for each in gone])
            self._armed = [each for each in self._armed if each not in gone]
            return len(gone)

    def armed(self) -> list[ArmedFault]:
        """Return the script with its counts at this moment."""
        with self._lock:
            return [ArmedFault(each.id, each.fault, each.matched, each.fired) for each in self._armed]

    def strike(self, call: FaultCall, answered: int | None = None) -> Struck | None:
        """Return the first fault that strikes a call, and count it; None lets the call pass.

        `answered` None asks before the call is processed; a status asks those that wait for the true answer.
        """
        if not self._armed:
            return None
        with self._lock:
            for each in self._armed:
                if each.spent or not _waits_for(each.fault, call, answered):
                    continue
                each.matched += 1
                struck = each.fault.strikes(each.matched, self._seed)
                each.fired += struck
                self._keep(each)
                if struck:
                    return Struck(each.id, each.fired, each.fault.then, each.fault.members["then"])
        return None

    def _keep(self, armed: ArmedFault) -> None:
        with self._store.transaction() as connection:
            connection.execute(
                "UPDATE fault SET matched = ?, fired = ? WHERE id = ?", (armed.matched, armed.fired, armed.id)
            )


def _waits_for(fault: Fault, call: FaultCall, answered: int | None) -> bool:
    due = answered in fault.answered if fault.answered else answered is None
    return (
        due
        and fault.environment in (None, call.environment)
        and fault.endpoint in (None, call.endpoint)
        and (fault.unit is None or fault.unit in call.names())
    )
