"""How a submission goes to an examining process and its examination comes back: pickle, each object by its fields.

Python's own way for a frozen dataclass asks for the names of the fields each time, on both sides. What stays the same
from call to call, the switches, goes as text that either side reads once.
"""

import io
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from khatm.document.canonical import StampFacts
from khatm.simulator.messages import WireMessage
from khatm.simulator.official_rules import OfficialRules
from khatm.simulator.received import CredentialFacts, Examination, Received, ReceivedFacts
from khatm.simulator.splice import Places
from khatm.simulator.switches import Switches

PORTION: Final = 64 * 1024
"""Octets that are read at a time; room for more would be asked of the system, and given back, each time."""
_LENGTH: Final = 4
"""Octets in which a message's length stands before it."""

_RULES: Final = OfficialRules()
_SENT: Final = (
    "call", "environment", "body_hash", "body_uuid", "body_invoice", "credential", "clock_now", "switches"
)  # fmt: skip
_sent: Final = attrgetter(*_SENT)
_Reduced = tuple[Callable[..., object], tuple[object, ...]]


class _UndecidableError(Exception):
    """The question needs the authority's records."""


@dataclass(frozen=True, slots=True)
class _OnlyTheCallers:
    """Knows the caller's own certificate, which stamps nearly every document; of others it cannot tell."""

    certificate_der: bytes

    def __call__(self, der: bytes) -> bool:
        if der == self.certificate_der:
            return True
        raise _UndecidableError


def submission(received: Received) -> bytes:
    """Return the message that lets a worker examine a document. Raises RecursionError for a body nested too deep."""
    return framed(_sent(received))


def submitted(message: tuple[Any, ...]) -> Received:
    """Return what a worker examines: what was received, by the official rules, without the authority's records."""
    sent = dict(zip(_SENT, message, strict=True))
    known = _OnlyTheCallers(sent["credential"].certificate_der)
    return Received(**sent, rules=_RULES, known_certificate=known)


def framed(message: object) -> bytes:
    """Return a message in pickle, its length before it."""
    out = io.BytesIO(bytes(_LENGTH))
    out.seek(_LENGTH)
    pickler = pickle.Pickler(out, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = _TABLE
    pickler.dump(message)
    size = out.tell() - _LENGTH
    out.seek(0)
    out.write(size.to_bytes(_LENGTH))
    return out.getvalue()


class Incoming:
    """Puts together what comes in portions."""

    def __init__(self) -> None:
        self._begun = bytearray()

    def messages(self, portion: bytes) -> Iterator[Any]:
        """Yield the messages that are whole with this portion."""
        parts: bytes | bytearray = portion
        if self._begun:
            self._begun += portion
            parts = self._begun
        start = 0
        while (begins := start + _LENGTH) <= len(parts):
            ends = begins + int.from_bytes(parts[start:begins])
            if ends > len(parts):
                break
            with memoryview(parts) as view, view[begins:ends] as message:
                found = pickle.loads(message)  # noqa: S301 - from the other side of our own socket
            start = ends
            yield found
        if parts is self._begun:
            del self._begun[:start]
        else:
            self._begun += parts[start:]


def _by_fields(kind: type[Any]) -> Callable[[Any], _Reduced]:
    """Return how an object of a dataclass is made again: by its class, from the fields in their order."""
    values = attrgetter(*(each.name for each in fields(kind)))
    return lambda one: (kind, values(one))


def _moment(written: str) -> datetime:
    return datetime.fromisoformat(written)


@lru_cache(maxsize=64)
def _written(switches: Switches) -> bytes:
    return pickle.dumps(switches, pickle.HIGHEST_PROTOCOL)


@lru_cache(maxsize=64)
def _read(written: bytes) -> Switches:
    switches: Switches = pickle.loads(written)  # noqa: S301 - from the other side of our own socket
    return switches


_BY_FIELDS: Final = (CredentialFacts, Examination, Places, ReceivedFacts, WireMessage)
_TABLE: Final[dict[type[Any], Callable[[Any], _Reduced]]] = {kind: _by_fields(kind) for kind in _BY_FIELDS} | {
    Switches: lambda switches: (_read, (_written(switches),)),
    StampFacts: lambda facts: (StampFacts, tuple(facts)),
    datetime: lambda moment: (_moment, (moment.isoformat(),)),
}
