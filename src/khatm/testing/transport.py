"""Transports for httpx that end in a simulator of this process: no socket, no TLS, ZATCA's own addresses.

A client that is written for `https://gw-fatoora.zatca.gov.sa` needs nothing but the transport:

    with InProcessSimulator() as simulator, httpx.Client(transport=SimulatorTransport(simulator)) as client: ...

Faults show as they do over a network: lost answers, cut bodies and late ones are httpx's own exceptions.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, TypeVar
from urllib.parse import unquote

import httpx
from starlette.types import ASGIApp

from khatm.simulator.delivery import STATE_KEY
from khatm.simulator.embedded import InProcessSimulator
from khatm.simulator.tls import AUTHORITY_HOSTS

Result = TypeVar("Result")
_HTTPS = 443


class _Call:
    """One call of the application: its messages come out of a queue, and it is the connection that faults break.

    The application goes on when the caller has given up, as a server does.
    """

    def __init__(self, app: ASGIApp, request: httpx.Request, body: bytes) -> None:
        self._body: bytes | None = body
        self._messages: asyncio.Queue[Any] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._request = request
        self._patience = request.extensions.get("timeout", {}).get("read")
        self.task = asyncio.get_running_loop().create_task(self._run(app, self._scope()))

    @property
    def gone(self) -> bool:
        return self._gone.is_set()

    def close(self) -> None:
        self._end(httpx.RemoteProtocolError("Server disconnected without sending a response."))

    def reset(self) -> None:
        self._end(httpx.ReadError("[Errno 104] Connection reset by peer"))

    def leave(self) -> None:
        """Tell the application that nobody listens any more."""
        self._gone.set()

    async def next(self) -> dict[str, Any]:
        """Return the application's next message. Raises what httpx raises for a connection that is late or ends."""
        try:
            found = await asyncio.wait_for(self._messages.get(), self._patience)
        except TimeoutError as error:
            self.leave()
            raise httpx.ReadTimeout("The read operation timed out", request=self._request) from error
        if isinstance(found, httpx.TransportError):
            found.request = self._request
        if isinstance(found, BaseException):
            raise found
        message: dict[str, Any] = found
        return message

    def _end(self, error: httpx.TransportError) -> None:
        self._messages.put_nowait(error)
        self._gone.set()

    async def _run(self, app: ASGIApp, scope: dict[str, Any]) -> None:
        try:
            await app(scope, self._receive, self._messages.put)
        except Exception as error:  # whoever waits for the answer gets it
            self._messages.put_nowait(error)

    async def _receive(self) -> dict[str, Any]:
        if self._body is None:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    def _scope(self) -> dict[str, Any]:
        url = self._request.url
        path = url.raw_path.partition(b"?")[0]
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": self._request.method,
            "scheme": url.scheme,
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in self._request.headers.raw],
            "client": ("127.0.0.1", 0),
            "server": (url.host, url.port or _HTTPS),
            "state": {STATE_KEY: self},
        }


class _AsyncBody(httpx.AsyncByteStream):
    """The body as it comes; a body that ends before its declared length is an error, as over a network."""

    def __init__(self, call: _Call, declared: int | None) -> None:
        self._call = call
        self._declared = declared

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received, more = 0, True
        while more:
            try:
                message = await self._call.next()
            except (httpx.RemoteProtocolError, httpx.ReadError) as error:
                if received == self._declared:
                    return
                text = f"incomplete message body (received {received} bytes, expected {self._declared})"
                raise httpx.RemoteProtocolError(f"peer closed connection: {text}", request=error.request) from error
            part, more = message.get("body", b""), message.get("more_body", False)
            received += len(part)
            if part:
                yield part

    async def aclose(self) -> None:
        self._call.leave()


class AsyncSimulatorTransport(httpx.AsyncBaseTransport):
    """For `httpx.AsyncClient` on asyncio."""

    def __init__(self, simulator: InProcessSimulator) -> None:
        """`simulator` is open, and stays so as long as the transport is used."""
        self._app = simulator.app
        self._tasks: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request. Raises httpx.ConnectError for an address that is not the gateway's."""
        url = request.url
        if url.scheme != "https" or url.host not in AUTHORITY_HOSTS or url.port not in (None, _HTTPS):
            known = " and ".join(f"https://{host}" for host in AUTHORITY_HOSTS)
            raise httpx.ConnectError(f"{url} is not in this process: the simulator is {known}", request=request)
        call = _Call(self._app, request, await request.aread())
        self._tasks.add(call.task)
        call.task.add_done_callback(self._tasks.discard)
        start = await call.next()
        headers = httpx.Headers(start["headers"])
        declared = headers.get("content-length")
        body = _AsyncBody(call, None if declared is None else int(declared))
        return httpx.Response(start["status"], headers=headers, stream=body, extensions={"http_version": b"HTTP/1.1"})

    async def aclose(self) -> None:
        """Let go of calls that nobody waits for."""
        tasks = list(self._tasks)
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Body(httpx.SyncByteStream):
    def __init__(self, transport: "SimulatorTransport", stream: httpx.AsyncByteStream) -> None:
        self._transport = transport
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        parts = aiter(self._stream)
        while (part := self._transport.wait_for(_next(parts))) is not None:
            yield part

    def close(self) -> None:
        self._transport.wait_for(self._stream.aclose())


class SimulatorTransport(httpx.BaseTransport):
    """For `httpx.Client`; any number of threads may use it. A thread of its own runs the application."""

    def __init__(self, simulator: InProcessSimulator) -> None:
        """`simulator` is open, and stays so as long as the transport is used."""
        self._inner = AsyncSimulatorTransport(simulator)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="khatm-transport", daemon=True)
        self._thread.start()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request. Raises what `AsyncSimulatorTransport` raises."""
        twin = httpx.Request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.read(),
            extensions=request.extensions,
        )
        try:
            response = self.wait_for(self._inner.handle_async_request(twin))
        except httpx.RequestError as error:
            error.request = request
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)
        body = _Body(self, response.stream)
        return httpx.Response(
            response.status_code, headers=response.headers, stream=body, extensions=response.extensions
        )

    def wait_for(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Return the result of what is done in the thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """Let go of calls that nobody waits for, and end the thread."""
        if self._loop.is_closed():
            return
        self.wait_for(self._inner.aclose())
        self.wait_for(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _next(parts: AsyncIterator[bytes]) -> bytes | None:
    return await anext(parts, None)
