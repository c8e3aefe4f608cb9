"""How clients whose address is fixed in their code come to the simulator: HTTPS for the gateway's names, a proxy."""

import contextlib
import shlex
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from khatm.simulator.listening import listen, url_of
from khatm.simulator.tls import AUTHORITY_HOSTS, TlsRoot

_PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy")
_TRUST_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
"""What OpenSSL, Go, .NET, Rust and httpx read; requests; curl; Node."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The further sockets of a simulator, open but not served yet, and the root that stands behind them."""

    root: TlsRoot
    tls: ssl.SSLContext
    https: socket.socket | None
    proxy: socket.socket | None

    @classmethod
    def open(cls, host: str, *, https_port: int | None, proxy_port: int | None, folder: Path | None) -> Self | None:
        """Open what is asked for; None if nothing is. Port 0 takes a free one. `folder` keeps the root.

        Raises AddressTaken and UnusableTlsRoot.
        """
        if https_port is None and proxy_port is None:
            return None
        with contextlib.ExitStack() as undo:
            root = TlsRoot(folder)
            undo.callback(root.close)
            listeners: list[socket.socket | None] = []
            for port in (https_port, proxy_port):
                listeners.append(None if port is None else undo.enter_context(listen(host, port)))
            undo.pop_all()
            return cls(root, root.server_context(), listeners[0], listeners[1])

    @property
    def https_url(self) -> str | None:
        """Where HTTPS is served, None if it is not."""
        return None if self.https is None else url_of(self.https, "https")

    @property
    def proxy_url(self) -> str | None:
        """The proxy's address, None if there is none."""
        return None if self.proxy is None else url_of(self.proxy)

    def lines(self) -> list[str]:
        """Return what a shell is told, so that a client started from it comes here; `#` begins what is for people."""
        lines = []
        if self.https is not None:
            port = self.https.getsockname()[1]
            lines.append(f"# HTTPS on port {port} for {' and '.join(AUTHORITY_HOSTS)}")
            start = "" if port == 443 else "--https-port 443 and "
            lines.append(f"# by {start}a line of /etc/hosts: 127.0.0.1 {' '.join(AUTHORITY_HOSTS)}")
        variables = self.environ()
        for names in (_PROXY_VARIABLES, _TRUST_VARIABLES):
            settings = [f"{name}={shlex.quote(variables[name])}" for name in names if name in variables]
            lines += [f"export {' '.join(settings)}"] if settings else []
        return lines

    def environ(self) -> dict[str, str]:
        """Return the environment variables that bring a program here: the proxy, if there is one, and the root."""
        proxied = {} if self.proxy_url is None else dict.fromkeys(_PROXY_VARIABLES, self.proxy_url)
        return proxied | dict.fromkeys(_TRUST_VARIABLES, str(self.root.file))

    def close(self) -> None:
        """Close the sockets, and remove the root's file unless it is kept."""
        for listener in (self.https, self.proxy):
            if listener is not None:
                listener.close()
        self.root.close()
