"""A gateway on loopback for worker processes: accepts each document once, and says so when it comes again.

Written for these tests after the gateway contract 4.10, 4.11 and 8.5; it knows nothing of the product.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PASS = {"infoMessages": [], "warningMessages": [], "errorMessages": [], "status": "PASS"}
_DUPLICATE = {
    "type": "ERROR",
    "code": "Invoice-Errors",
    "category": "Duplicate-Invoice",
    "message": "Invoice was already Reported successfully earlier.",
    "status": "ERROR",
}


class GatewayStub:
    """What the gateway has seen: bodies per UUID in order of arrival, and the hashes it has accepted."""

    def __init__(self, delay: float = 0.0) -> None:
        self.bodies: dict[str, list[bytes]] = {}
        self.accepted: Counter[str] = Counter()
        self.delay = delay
        self.held = threading.Event()
        """Set while a call is held back."""
        self._holding: threading.Event | None = None
        self._guard = threading.Lock()
        self.url = ""

    def hold_next(self) -> Callable[[], None]:
        """Process the next call and keep its answer back until the function given here is called."""
        release = threading.Event()
        self.held.clear()
        self._holding = release
        return release.set

    def answer(self, path: str, raw: bytes) -> tuple[int, dict[str, Any]]:
        """Return status and body for a submission."""
        if self.delay:
            time.sleep(self.delay)
        body = json.loads(raw)
        clearance = path.endswith("/clearance/single")
        with self._guard:
            self.bodies.setdefault(body["uuid"], []).append(raw)
            again = body["invoiceHash"] in self.accepted
            if not again:
                self.accepted[body["invoiceHash"]] += 1
            holding, self._holding = self._holding, None
        if holding is not None:
            self.held.set()
            holding.wait(60)
        if clearance:
            answer = {"validationResults": _PASS, "clearanceStatus": "CLEARED", "clearedInvoice": body["invoice"]}
            return (208 if again else 200), answer
        if not again:
            return 200, {"validationResults": _PASS, "reportingStatus": "REPORTED"}
        results = {**_PASS, "errorMessages": [_DUPLICATE], "status": "ERROR"}
        return 409, {"validationResults": results, "reportingStatus": "NOT_REPORTED"}


@contextmanager
def serving(stub: GatewayStub) -> Iterator[GatewayStub]:
    """Serve a stub on a free port of loopback; `stub.url` is what KHATM_GATEWAY_URL is set to."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            status, body = stub.answer(self.path, raw)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(ConnectionError):  # the other side was killed
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub.url = f"http://127.0.0.1:{server.server_port}/e-invoicing"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
