"""Replays what eleven real clients sent: their headers and documents as recorded, our OTPs and certificates."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator

TAXPAYER = "399999999900003"
"""The VAT number in every recorded CSR and document."""

_TYPE = re.compile(rb'<cbc:InvoiceTypeCode[^>]*name="(..)[^>]*>(\d+)<')
_OURS = {"host", "content-length", "authorization", "otp"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One recorded request and what the simulator says to it."""

    name: str
    endpoint: str
    request: dict[str, Any]
    status: int
    body: dict[str, Any]

    @property
    def is_document(self) -> bool:
        """Whether the request carried a document."""
        return "invoice" in self.request

    @property
    def xml(self) -> bytes:
        """The document that the request carried."""
        return base64.b64decode(self.request["invoice"])

    @property
    def profile(self) -> str:
        """The first two characters of KSA-2: `01` standard, `02` simplified."""
        return _TYPE.findall(self.xml)[0][0].decode()

    @property
    def type_code(self) -> str:
        """BT-3: 388, 381 or 383."""
        return _TYPE.findall(self.xml)[0][1].decode()

    @property
    def is_stamped(self) -> bool:
        """Whether the document carried a signature value."""
        return b"SignatureValue>" in self.xml

    def codes(self, kind: str) -> set[str | None]:
        """The codes of the answer's `error`, `warning` or `info` messages."""
        return {message["code"] for message in self.body["validationResults"][f"{kind}Messages"]}

    @property
    def accepted(self) -> bool:
        """Whether the answer's status member says that the document was taken."""
        said = {self.body.get("reportingStatus"), self.body.get("clearanceStatus")} - {None}
        return said in ({"REPORTED"}, {"CLEARED"})


class Recording:
    """The requests of one client, sent again in their order."""

    def __init__(self, folder: Path) -> None:
        self._requests = [(each.stem, json.loads(each.read_bytes())) for each in sorted(folder.glob("*.json"))]

    @property
    def began(self) -> datetime:
        """When the client was recorded; the simulator's clock is set to it."""
        return datetime.fromisoformat(self._requests[0][1]["time"])

    def replay(self, simulator: EmbeddedSimulator, environment: Environment) -> Iterator[Answer]:
        """Send every request with the credentials that the simulator issued so far; stop where they run out."""
        simulator.clock.set(self.began)
        compliance: tuple[str, str] | None = None
        production: tuple[str, str] | None = None
        request_id: int | None = None
        for name, recorded in self._requests:
            endpoint = f"{recorded['method']} {recorded['path'].partition('/simulation')[2]}"
            body = dict(recorded["body"])
            headers = [(key, value) for key, value in recorded["headers"] if key.lower() not in _OURS]
            credentials = compliance if endpoint in _WITH_COMPLIANCE else production
            if endpoint == "POST /compliance":
                headers.append(("OTP", simulator.issue_otp(environment, TAXPAYER)))
            elif credentials is None:
                return
            else:
                headers.append(("Authorization", _basic(*credentials)))
            if endpoint == "PATCH /production/csids":
                headers.append(("OTP", simulator.issue_otp(environment, TAXPAYER, "renewal")))
            if "compliance_request_id" in body:
                body["compliance_request_id"] = type(body["compliance_request_id"])(request_id)
            path = recorded["path"].replace("/simulation/", f"/{environment.path_segment}/")
            status, answered = _send(simulator.url, recorded["method"], path, headers, body)
            yield Answer(name, endpoint, body, status, answered)
            if "csr" in body or "compliance_request_id" in body:
                if status != 200:
                    continue
                issued = answered["binarySecurityToken"], answered["secret"]
                if endpoint == "POST /compliance":
                    compliance, request_id = issued, answered["requestID"]
                else:
                    production = issued


_WITH_COMPLIANCE = {"POST /compliance/invoices", "POST /production/csids"}


def _basic(token: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{token}:{secret}".encode()).decode()


def _send(
    url: str, method: str, path: str, headers: list[tuple[str, str]], body: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    """One request with exactly these headers beside Host and Content-Length."""
    payload = json.dumps(body).encode()
    target = urlsplit(url)
    connection = HTTPConnection(target.hostname or "", target.port, timeout=30)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for key, value in [*headers, ("Content-Length", str(len(payload)))]:
            connection.putheader(key, value)
        connection.endheaders(payload)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()
