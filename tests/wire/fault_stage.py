"""A simulator with an onboarded unit to which every test comes back, and the calls that faults are tested with."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import httpx

from khatm.environment import Environment
from khatm.gateway.calls import Credentials, Submission
from khatm.gateway.client import Gateway
from khatm.gateway.transport import HttpTransport
from khatm.gateway.verdict import Outcome
from khatm.simulator.embedded import EmbeddedSimulator
from tests.wire.simulator_caller import Caller, Document, Unit, endpoint_of, http

STANDARD, SIMPLIFIED = "standard-invoice", "simplified-invoice"
KIND = {"reporting": SIMPLIFIED, "clearance": STANDARD}


@dataclass
class Stage:
    """The simulator, its unit, and the snapshot in which the unit has just been onboarded."""

    simulator: EmbeddedSimulator
    onboarded: Unit
    snapshot: int

    @classmethod
    @contextmanager
    def open(cls, environment: Environment = Environment.SIMULATION, type_map: str = "1100") -> Iterator["Stage"]:
        """Serve a simulator and onboard the unit."""
        with EmbeddedSimulator() as simulator:
            unit = Unit(Caller(simulator, environment), type_map).onboarded()
            yield cls(simulator, unit, simulator.take_snapshot())

    def again(self) -> "Stage":
        """The stage as it was at first."""
        self.simulator.restore_snapshot(self.snapshot)
        self.simulator.fatoora.recorder.forget()
        return replace(self, onboarded=replace(self.onboarded))

    @property
    def unit(self) -> Unit:
        """The onboarded unit."""
        return self.onboarded

    def manage(self, method: str, path: str, body: object = None) -> Any:
        """Call the management interface, which must agree."""
        answer = http().request(method, f"{self.simulator.url}/manage{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def arm(self, endpoint: str, then: dict[str, object], **selectors: object) -> int:
        """Arm one fault and return its number."""
        armed = self.manage("POST", "/faults", {"endpoint": endpoint, "then": then, **selectors})
        return int(armed["faults"][0]["id"])

    def fired(self) -> list[int]:
        """How often each armed fault has struck."""
        return [each["fired"] for each in self.manage("GET", "/faults")["faults"]]

    def exchanges(self) -> list[dict[str, Any]]:
        """What was recorded, oldest first."""
        found: list[dict[str, Any]] = self.manage("GET", "/exchanges")["exchanges"]
        return found

    def document(self, endpoint: str = "reporting") -> Document:
        """A fresh document for an endpoint."""
        return self.unit.document(KIND[endpoint])

    def send(self, document: Document, endpoint: str = "reporting") -> httpx.Response:
        """Send a document with a plain client."""
        return self.unit.send(endpoint_of(KIND[endpoint]), document)

    def raw(self, document: Document, endpoint: str = "reporting") -> bytes:
        """Send a document over a bare socket, return every octet until the connection ends."""
        assert self.unit.pcsid is not None
        host, port = urlsplit(self.simulator.url).netloc.split(":")
        body = json.dumps(document.body).encode()
        head = (
            f"POST /e-invoicing/{self.unit.caller.environment.path_segment}{endpoint_of(KIND[endpoint])} HTTP/1.1\r\n"
            f"Host: {host}\r\nAccept-Version: V2\r\nContent-Type: application/json\r\n"
            f"Authorization: {self.unit.pcsid.authorization['Authorization']}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(head.encode() + body)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def gateway(self, **times: float) -> Gateway:
        """Our own client of the unit's environment."""
        transport = HttpTransport(**times)  # type: ignore[arg-type]
        return Gateway(self.unit.caller.environment, base_url=self.simulator.gateway_url, transport=transport)

    def submit(self, document: Document, endpoint: str = "reporting", **times: float) -> Outcome:
        """Send a document with our own client."""
        assert self.unit.pcsid is not None
        credentials = Credentials(self.unit.pcsid.token, self.unit.pcsid.secret)
        submission = Submission(document.invoice_hash, document.uuid, document.xml)
        with self.gateway(**times) as gateway:
            call = gateway.report if endpoint == "reporting" else gateway.clear
            return call(credentials, submission)

    def stored(self) -> dict[str, int]:
        """How many reported and cleared documents the authority holds, by outcome."""
        with self.simulator.fatoora.store.reading() as connection:
            rows = connection.execute(
                "SELECT outcome, count(*) FROM submission WHERE call <> 'compliance' GROUP BY outcome"
            ).fetchall()
        return dict(tuple(row) for row in rows)
