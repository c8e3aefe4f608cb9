"""How bytes reach the gateway: the Transport protocol, one over HTTP, and one that answers from a script."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from khatm import __version__
from khatm.gateway.environments import is_loopback

if TYPE_CHECKING:
    import ssl

    import httpx

Headers = tuple[tuple[str, str], ...]
"""Names and values in order, as they travel."""


class Fault(StrEnum):
    """What kept a complete answer from arriving."""

    UNREACHABLE = "unreachable"
    """No connection came about (refused, no such host, time-out while connecting): nothing was sent."""
    UNTRUSTED = "untrusted"
    """The peer's certificate does not verify: nothing was sent."""
    LOST = "lost"
    """The connection broke after sending began: the request may have been processed."""
    TIMED_OUT = "timed_out"
    """No answer, or no end of it, in time: the request may have been processed."""
    TOO_LARGE = "too_large"
    """The answer is larger than we are ready to hold: the request may have been processed."""


@dataclass(frozen=True, slots=True)
class WireRequest:
    """One request in full, secrets included: never logged, never stored."""

    method: str
    url: str
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """What came back: a complete answer (`fault` None), or as much as arrived before the fault."""

    status: int | None
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    fault: Fault | None = None
    fault_text: str = ""


class Transport(Protocol):
    """Anything that carries one request and brings back what came of it; it never raises for the network's doings."""

    def send(self, request: WireRequest) -> WireAnswer:
        """Send the request once (never twice) and return the answer or the fault."""
        ...

    def close(self) -> None:
        """Give back connections."""
        ...


class HttpTransport:
    """Carries requests over HTTP/1.1 with verified TLS, below everything that acts by itself.

    Redirects, cookies, .netrc and silent resends do not exist at this level. Times are seconds: `connect_timeout` for
    reaching the peer, `read_timeout` for each silence while sending or reading, `total_timeout` for the whole body.
    A proxy named by the environment (HTTPS_PROXY, ALL_PROXY, NO_PROXY) is used, since many companies have no other way
    out, but never for loopback: what stays on this machine must not pass through another one. SSL_CERT_FILE and
    SSL_CERT_DIR replace the trust store; nothing turns verification off. Source: the gateway contract 1.3.
    """

    def __init__(
        self,
        *,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        total_timeout: float = 180.0,
        max_response_bytes: int = 32 * 1024 * 1024,
        tls: "ssl.SSLContext | None" = None,
    ) -> None:
        self._timeouts = {"connect": connect_timeout, "read": read_timeout, "write": read_timeout, "pool": read_timeout}
        self._total_timeout = total_timeout
        self._max_response_bytes = max_response_bytes
        self._tls = tls
        self._pools: dict[str, httpx.HTTPTransport] = {}
        self._opening = threading.Lock()

    def send(self, request: WireRequest) -> WireAnswer:
        """Send the request once and read the whole answer."""
        import httpx

        try:
            pool = self._pool(urlsplit(request.url).hostname or "")
        except (OSError, ValueError, ImportError, httpx.InvalidURL) as error:
            # A trust store or proxy named by the environment that cannot be used: nothing has left this machine.
            fault = Fault.UNTRUSTED if isinstance(error, OSError) else Fault.UNREACHABLE
            return WireAnswer(None, fault=fault, fault_text=_phrase(error))
        return self._exchange(pool, request)

    def close(self) -> None:
        """Close all connections."""
        with self._opening:
            for pool in self._pools.values():
                pool.close()
            self._pools.clear()

    def _pool(self, host: str) -> "httpx.HTTPTransport":
        import httpx

        with self._opening:
            if host not in self._pools:
                self._pools[host] = httpx.HTTPTransport(
                    verify=self._tls or _trust_store(),
                    trust_env=False,
                    proxy=None if is_loopback(host) else _environment_proxy(host),
                    # Idle connections go before servers usually drop them: a loss is then never a stale connection's.
                    limits=httpx.Limits(keepalive_expiry=2.0),
                )
            return self._pools[host]

    def _exchange(self, pool: "httpx.HTTPTransport", request: WireRequest) -> WireAnswer:
        import httpx

        deadline = time.monotonic() + self._total_timeout
        status: int | None = None
        headers: Headers = ()
        body = bytearray()
        try:
            response = pool.handle_request(self._wire_request(request))
            try:
                status, headers = response.status_code, tuple(response.headers.multi_items())
                for chunk in response.iter_raw():
                    body += chunk
                    if len(body) > self._max_response_bytes:
                        text = f"more than {self._max_response_bytes} bytes"
                        return WireAnswer(status, headers, b"", Fault.TOO_LARGE, text)
                    if time.monotonic() > deadline:
                        text = f"no end within {self._total_timeout:g} s"
                        return WireAnswer(status, headers, bytes(body), Fault.TIMED_OUT, text)
            finally:
                response.close()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as error:
            return WireAnswer(status, headers, bytes(body), _fault_of(error), _phrase(error))
        return WireAnswer(status, headers, bytes(body))

    def _wire_request(self, request: WireRequest) -> "httpx.Request":
        import httpx

        return httpx.Request(
            request.method,
            request.url,
            headers=[*_OWN_HEADERS, *request.headers],
            content=request.body,
            extensions={"timeout": self._timeouts},
        )


_OWN_HEADERS = (("User-Agent", f"khatm/{__version__}"), ("Accept-Encoding", "identity"))
"""Nothing compressed is asked for: the stored body is then exactly what travelled, and its size is bounded."""


def _environment_proxy(host: str) -> str | None:
    """Return the proxy that the environment (or the system's settings) names for https to this host."""
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    proxy = proxies.get("https") or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _trust_store() -> "ssl.SSLContext":
    """Return the TLS settings: verified, host name checked, TLS 1.2 at least, roots from certifi and the system."""
    import os

    import httpx

    context = httpx.create_ssl_context()
    if not os.environ.get("SSL_CERT_FILE") and not os.environ.get("SSL_CERT_DIR"):
        context.load_default_certs()
    return context


def _fault_of(error: Exception) -> Fault:
    """Say what an httpx error means for the request: not sent, or possibly processed."""
    import ssl

    import httpx

    if isinstance(error, httpx.ConnectError) and any(
        isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)
    ):
        return Fault.UNTRUSTED
    not_sent = (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.PoolTimeout,
        httpx.ProxyError,
        httpx.UnsupportedProtocol,
        httpx.LocalProtocolError,
        httpx.InvalidURL,
        UnicodeError,  # a host name that no resolver takes
    )
    if isinstance(error, not_sent):
        return Fault.UNREACHABLE
    return Fault.TIMED_OUT if isinstance(error, httpx.TimeoutException) else Fault.LOST


def _causes(error: BaseException) -> Iterable[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _phrase(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


class ScriptedTransport:
    """Answers from memory in the given order and keeps the requests, for tests and rehearsals.

    An element is an answer, or a function from the request to an answer.
    """

    def __init__(self, script: Iterable[WireAnswer | Callable[[WireRequest], WireAnswer]]) -> None:
        self._script = list(script)
        self.requests: list[WireRequest] = []
        self.closed = False

    def send(self, request: WireRequest) -> WireAnswer:
        """Record the request and return the next answer; an exhausted script answers like a refused connection."""
        self.requests.append(request)
        if not self._script:
            return WireAnswer(None, fault=Fault.UNREACHABLE, fault_text="the script has no further answer")
        step = self._script.pop(0)
        return step if isinstance(step, WireAnswer) else step(request)

    def close(self) -> None:
        """Note that the transport was closed."""
        self.closed = True
