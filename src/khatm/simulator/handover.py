"""How a submission goes to an examining process and its examination comes back: pickle, each object by its fields.

Python's own way for a frozen dataclass asks for the names of the fields each time, on both sides. What stays the same
from call to call, the switches, goes as text that either side reads once.
"""

import io
import pickle
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from khatm.document.canonical import StampFacts
from khatm.simulator.messages import WireMessage
from khatm.simulator.received import CredentialFacts, Examination, Received, ReceivedFacts
from khatm.simulator.splice import Places
from khatm.simulator.switches import Switches

PORTION: Final = 256 * 1024
"""Octets that are read at a time."""
_LENGTH: Final = 4
"""Octets in which a message's length stands before it."""

_Reduced = tuple[Callable[..., object], tuple[object, ...]]


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


@lru_cache(maxsize=64)
def _written(switches: Switches) -> bytes:
    return pickle.dumps(switches, pickle.HIGHEST_PROTOCOL)


@lru_cache(maxsize=64)
def _read(written: bytes) -> Switches:
    switches: Switches = pickle.loads(written)  # noqa: S301 - from the other side of our own socket
    return switches


_BY_FIELDS: Final = (CredentialFacts, Examination, Places, Received, ReceivedFacts, StampFacts, WireMessage)
_TABLE: Final[dict[type[Any], Callable[[Any], _Reduced]]] = {kind: _by_fields(kind) for kind in _BY_FIELDS} | {
    Switches: lambda switches: (_read, (_written(switches),))
}
