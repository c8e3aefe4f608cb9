"""A plain HTTP caller of the simulator: one request at a time, nothing of the product's client in it."""

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec

from khatm.clock import saudi_time
from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from khatm.stamp.canonical import invoice_hash, read_canonical
from khatm.stamp.certificate import read_certificate
from khatm.stamp.signers import FileSigner
from khatm.stamp.xades import stamp
from tests.csr_maker import CsrRecipe, csr_member, make_csr
from tests.simulator_process import SimulatorProcess

DOCUMENTS = Path(__file__).parents[1] / "data" / "authority" / "documents"
SELLER = "310123456700003"
"""The VAT number in every sample document."""

INITIAL_PIH = base64.b64encode(hashlib.sha256(b"0").hexdigest().encode()).decode()
STANDARD = ("standard-invoice", "standard-credit-note", "standard-debit-note")
SIMPLIFIED = ("simplified-invoice", "simplified-credit-note", "simplified-debit-note")
KINDS = {"1000": STANDARD, "0100": SIMPLIFIED, "1100": STANDARD + SIMPLIFIED}


@dataclass(frozen=True)
class Document:
    """A document ready to be sent."""

    xml: bytes
    uuid: str
    invoice_hash: str

    @property
    def body(self) -> dict[str, object]:
        """The three members of a submission."""
        invoice = base64.b64encode(self.xml).decode()
        return {"invoiceHash": self.invoice_hash, "uuid": self.uuid, "invoice": invoice}


@dataclass(frozen=True)
class Csid:
    """What a TOKEN answer gave."""

    token: str
    secret: str
    request_id: int

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> "Csid":
        """Take it from the members of an answer."""
        return cls(members["binarySecurityToken"], members["secret"], members["requestID"])

    @property
    def authorization(self) -> dict[str, str]:
        """The Basic header."""
        return {"Authorization": "Basic " + base64.b64encode(f"{self.token}:{self.secret}".encode()).decode()}

    @property
    def der(self) -> bytes:
        """The certificate."""
        return base64.b64decode(base64.b64decode(self.token))


def fresh(simulator: EmbeddedSimulator) -> EmbeddedSimulator:
    """A running simulator without any state, its clock running true."""
    simulator.fatoora.reset()
    simulator.clock.set(datetime.now(UTC))
    return simulator


@cache
def http() -> httpx.Client:
    """The one client of a test run; redirects are not followed, proxies not looked for."""
    return httpx.Client(trust_env=False, timeout=30)


@dataclass
class Caller:
    """Calls one environment of a simulator."""

    simulator: EmbeddedSimulator | SimulatorProcess
    environment: Environment
    headers: dict[str, str] = field(
        default_factory=lambda: {"Accept-Version": "V2", "Accept-Language": "en", "Accept": "application/json"}
    )

    def call(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        """Send one request; header names with `_` for `-`."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        content = json.dumps(body).encode() if not isinstance(body, bytes) else body
        return http().request(
            method,
            f"{self.simulator.gateway_url}/{self.environment.path_segment}{path}",
            content=content,
            headers={"Content-Type": "application/json"} | self.headers | given,
        )

    def otp(self, purpose: str = "onboarding", vat_number: str = SELLER) -> str:
        """A fresh OTP."""
        return self.simulator.issue_otp(self.environment, vat_number, purpose)

    def device(self, vat_number: str = SELLER) -> dict[str, Any]:
        """What the management tells about the taxpayer's first device here."""
        asked = {"environment": self.environment.value, "vat_number": vat_number}
        answer = http().get(f"{self.simulator.url}/manage/devices", params=asked).json()
        found: dict[str, Any] = answer["devices"][0]
        return found


@dataclass
class Unit:
    """An EGS unit of the tests: a key, and what it was given."""

    caller: Caller
    type_map: str = "1100"
    vat_number: str = SELLER
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256K1()))
    ccsid: Csid | None = None
    pcsid: Csid | None = None
    counter: int = 0
    last_hash: str = INITIAL_PIH

    @property
    def csr(self) -> str:
        """The `csr` member of the unit's requests."""
        recipe = CsrRecipe().for_unit(self.caller.environment.value, self.vat_number, self.type_map)
        return csr_member(make_csr(recipe, self.key))

    def begin(self, otp: str | None = None) -> httpx.Response:
        """Ask for the CCSID, with a fresh OTP if none is given, and keep it."""
        used = otp or self.caller.otp(vat_number=self.vat_number)
        answer = self.caller.call("POST", "/compliance", {"csr": self.csr}, OTP=used)
        if answer.status_code == 200:
            self.ccsid = Csid.of(answer.json())
        return answer

    def check(self, kind: str) -> httpx.Response:
        """Send a fresh document of a kind to the compliance checks."""
        assert self.ccsid is not None
        return self.send("/compliance/invoices", self.document(kind, self.ccsid), self.ccsid)

    def finish(self) -> httpx.Response:
        """Ask for the PCSID and keep it."""
        assert self.ccsid is not None
        members = {"compliance_request_id": str(self.ccsid.request_id)}
        answer = self.caller.call("POST", "/production/csids", members, **self.ccsid.authorization)
        if answer.status_code == 200:
            self.pcsid = Csid.of(answer.json())
        return answer

    def onboarded(self) -> "Unit":
        """Walk the whole way."""
        assert self.begin().status_code == 200
        for kind in KINDS[self.type_map]:
            assert self.check(kind).status_code == 200
        assert self.finish().status_code == 200
        return self

    def document(
        self,
        kind: str,
        csid: Csid | None = None,
        *,
        age: timedelta = timedelta(0),
        changes: Mapping[str, str] | None = None,
    ) -> Document:
        """A fresh document of a kind, simplified ones stamped; `changes` replaces texts of the sample."""
        used = csid or self.pcsid
        assert used is not None
        self.counter += 1
        issued = saudi_time(self.caller.simulator.clock.now() - age)
        document = write_document(kind, self.counter, self.last_hash, issued, changes or {})
        self.last_hash = document.invoice_hash
        return document if kind.startswith("standard") else stamped(document, self.key, used, issued)

    def send(self, path: str, document: Document, csid: Csid | None = None, **headers: str) -> httpx.Response:
        """Send a document under a CSID, the PCSID if none is given."""
        used = csid or self.pcsid
        assert used is not None
        return self.caller.call("POST", path, document.body, **used.authorization, **headers)

    def submit(self, kind: str, changes: Mapping[str, str] | None = None) -> httpx.Response:
        """Send a fresh document of a kind to its endpoint."""
        return self.send(endpoint_of(kind), self.document(kind, changes=changes))


def endpoint_of(kind: str) -> str:
    """The live endpoint for a kind."""
    return "/invoices/clearance/single" if kind.startswith("standard") else "/invoices/reporting/single"


def write_document(
    kind: str, counter: int, previous_hash: str, issued: datetime, changes: Mapping[str, str]
) -> Document:
    """A sample document with an identity, a place in the chain and an issue time of its own."""
    text = (DOCUMENTS / f"{kind}.xml").read_text("utf-8")
    number = str(uuid.uuid4())
    for pattern, value in (
        (r"(?<=<cbc:UUID>)[0-9a-f-]{36}(?=<)", number),
        (r"(?<=<cbc:UUID>)\d+(?=<)", str(counter)),
        (r'(?<=mimeCode="text/plain">)[^<]+(?=<)', previous_hash),
        (r"(?<=<cbc:IssueDate>)[^<]+(?=<)", issued.strftime("%Y-%m-%d")),
        (r"(?<=<cbc:IssueTime>)[^<]+(?=<)", issued.strftime("%H:%M:%S")),
    ):
        text = re.sub(pattern, value, text, count=1)
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    xml = text.encode()
    return Document(xml, number, invoice_hash(xml))


def stamped(
    document: Document, key: ec.EllipticCurvePrivateKey, csid: Csid, at: datetime, *, foreign: bool = False
) -> Document:
    """The document with the stamp of a key and a certificate; `foreign` lets the two not fit."""
    signer = FileSigner(key, read_certificate(csid.der), allow_foreign_certificate=foreign)
    made = stamp(read_canonical(document.xml), signer, at)
    return Document(made.xml, document.uuid, made.invoice_hash)


def codes(answer: httpx.Response) -> dict[str, list[str | None]]:
    """The codes of an answer's messages by list, empty lists left out."""
    results = answer.json()["validationResults"]
    lists = {name: [each["code"] for each in results[f"{name}Messages"]] for name in ("info", "warning", "error")}
    return {name: found for name, found in lists.items() if found}
