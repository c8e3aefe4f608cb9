"""How an answer leaves: whole, late, in part, by and by, or not at all.

Source: gateway contract, section 14.2.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol

from khatm.simulator.exchange import Response
from khatm.simulator.faults import Drop, Effects

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

STATE_KEY = "khatm.connection"
"""Where a call finds its connection in the `state` of its ASGI scope."""

_PORTIONS_A_SECOND = 10


class Connection(Protocol):
    """The TCP connection behind a call, as far as faults reach it."""

    @property
    def gone(self) -> bool:
        """Whether it is closed, or about to be."""
        ...

    def close(self) -> None:
        """Send what is waiting to be sent, then end it."""
        ...

    def reset(self) -> None:
        """End it at once, with a TCP reset."""
        ...


class Holding:
    """Where faults hold calls back: for a time, or until the server stops."""

    def __init__(self) -> None:
        self._held: set[asyncio.Event] = set()
        self._released = False

    async def wait(self, seconds: float) -> bool:
        """Wait, and tell whether the time has passed; else the server is stopping."""
        if self._released:
            return False
        released = asyncio.Event()
        self._held.add(released)
        try:
            await asyncio.wait_for(released.wait(), seconds)
        except TimeoutError:
            return True
        finally:
            self._held.discard(released)
        return False

    def release(self) -> None:
        """Let every call go; called by the server in its own loop when it stops."""
        self._released = True
        for each in self._held:
            each.set()


@dataclass(frozen=True, slots=True)
class Delivery:
    """An answer and what happens to it on the way."""

    response: Response | None
    """None: there is none, and `drop` says how the connection ends."""
    delay: float = 0.0
    drop: Drop | None = None
    cut: int | None = None
    """After so many octets of the body the connection is closed, the whole length having been declared."""
    bytes_per_second: int | None = None


def delivery_of(response: Response | None, then: Effects) -> Delivery:
    """Return how a struck call is answered; a body cut as JSON is cut here already."""
    delay = then.delay if then.when == "after" else 0.0
    if response is None or then.drop is not None:
        return Delivery(None, delay, then.drop or "close")
    cut = None
    if then.truncate is not None:
        cut = min(len(response.body) // 2 if then.keep is None else then.keep, len(response.body))
    if cut is not None and then.truncate == "json":
        response = Response(response.status, response.body[:cut], response.content_type, response.headers)
        cut = None
    return Delivery(response, delay, cut=cut, bytes_per_second=then.bytes_per_second)


def connection_of(scope: Scope) -> Connection | None:
    """Return the connection behind a call, None where the application is called without one."""
    found: Connection | None = scope.get("state", {}).get(STATE_KEY)
    return found


async def deliver(
    delivery: Delivery, holding: Holding, connection: Connection | None, receive: Receive, send: Send
) -> None:
    """Send an answer as `delivery` says; a call that is held back while the server stops has none.

    Raises ConnectionAbortedError where a connection is to be broken and there is none: whoever calls the application
    without a socket sees that instead.
    """
    passed = not delivery.delay or await holding.wait(delivery.delay)
    response = delivery.response if passed else None
    if response is None:
        await _break(connection, receive, delivery.drop)
        return
    headers = [
        (b"content-type", response.content_type.encode("latin-1")),
        (b"content-length", str(len(response.body)).encode()),
        *((name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()),
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    body = response.body if delivery.cut is None else response.body[: delivery.cut]
    ends = delivery.cut is None or delivery.cut == len(response.body)
    if delivery.bytes_per_second is not None:
        ends = await _trickle(body, delivery.bytes_per_second, holding, connection, send) and ends
        body = b""
    await send({"type": "http.response.body", "body": body, "more_body": not ends})
    if not ends:
        await _break(connection, receive, "close")


async def _trickle(body: bytes, rate: int, holding: Holding, connection: Connection | None, send: Send) -> bool:
    """Send a body in portions; tell whether all of it was sent, or nobody listens any more."""
    portion = max(1, rate // _PORTIONS_A_SECOND)
    for start in range(0, len(body), portion):
        part = body[start : start + portion]
        if not await holding.wait(len(part) / rate):
            return False
        if connection is not None and connection.gone:
            break
        await send({"type": "http.response.body", "body": part, "more_body": True})
    return True


async def _break(connection: Connection | None, receive: Receive, how: Drop | None) -> None:
    """End the connection, and wait until the server knows, because it would complain of a call without an answer."""
    if connection is None:
        raise ConnectionAbortedError("a fault broke the connection")
    if how == "reset":
        connection.reset()
    else:
        connection.close()
    while (await receive())["type"] != "http.disconnect":
        pass
