"""One exchange as the grader sees it: who called, with what, what the client got to read, and when."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from khatm.document.errors import UnreadableXml
from khatm.document.walk import walk
from khatm.document.xml import parse
from khatm.environment import Environment
from khatm.simulator.access import claimed_token
from khatm.simulator.body_checks import received_document
from khatm.simulator.causes import Cause
from khatm.simulator.compliance import Step, step_of
from khatm.simulator.csr import ReceivedCsr, RefusedCsr, read_csr
from khatm.simulator.exchange import Request
from khatm.simulator.exchange_view import answer_messages
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.faults import EndpointName
from khatm.simulator.gateway import json_object
from khatm.simulator.outline import read_outline
from khatm.simulator.permissions import profile_of
from khatm.simulator.received import Profile
from khatm.simulator.recorder import Exchange
from khatm.simulator.registry import Credential
from khatm.stamp.canonical import canonicalise, hash_text, remove_stamp

SUBMISSIONS: frozenset[EndpointName] = frozenset({"reporting", "clearance"})
"""The endpoints that take documents for good."""
_KEPT_DOCUMENTS = 32


@dataclass(frozen=True, slots=True)
class SentDocument:
    """A document as it was sent: its bytes, the two members beside it, and what it says of itself."""

    xml: bytes
    body_hash: object
    body_uuid: object
    document_hash: str
    """Recomputed from the bytes: base64 of 32 bytes."""
    uuid: str
    number: str
    """BT-1."""
    counter: str
    previous_hash: str
    type_code: str
    profile: Profile | None

    def is_copy_of(self, other: "SentDocument") -> bool:
        """Tell whether this is the same request again: XML, hash and UUID."""
        return (self.xml, self.body_hash, self.body_uuid) == (other.xml, other.body_hash, other.body_uuid)

    @property
    def icv(self) -> int | None:
        """The counter as a number, None if it is none."""
        text = self.counter
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


@lru_cache(maxsize=_KEPT_DOCUMENTS)
def read_sent(body: bytes) -> SentDocument | None:
    """Return the document in the body of a submission, None if none can be read."""
    members = json_object(body) or {}
    xml = received_document(members.get("invoice"))
    if xml is None:
        return None
    try:
        tree = parse(xml)
    except UnreadableXml:
        return None
    outline = read_outline(walk(tree, most=0))
    remove_stamp(tree)
    return SentDocument(
        xml=xml,
        body_hash=members.get("invoiceHash"),
        body_uuid=members.get("uuid"),
        document_hash=hash_text(canonicalise(tree)),
        uuid=outline.uuid.strip().lower(),
        number=outline.number.strip(),
        counter=outline.counter.strip(),
        previous_hash=outline.previous_hash.strip(),
        type_code=outline.type_code.strip(),
        profile=profile_of(outline.transaction_code),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """An exchange and who took part in it."""

    number: int
    """The exchange's, by which the record finds it."""
    exchange: Exchange
    tick: float
    """Seconds of real time at its end."""
    credential: Credential | None
    """What the caller claims to hold, usable or not."""
    given: Credential | None
    """What the answer brought, whether or not it arrived."""
    csr: ReceivedCsr | None
    document: SentDocument | None
    serial: str | None
    """The unit's own serial: the CSR's, or the one that the device was onboarded with."""

    @property
    def endpoint(self) -> EndpointName | None:
        """Which call it is, None if there is no such call."""
        return self.exchange.endpoint

    @property
    def environment(self) -> Environment | None:
        """Where it was made."""
        return self.exchange.environment

    @property
    def device(self) -> int | None:
        """The unit that called, or that the call has made."""
        held = self.credential or self.given
        return None if held is None else held.device_id

    @property
    def vat_number(self) -> str | None:
        """Whose unit it is."""
        if self.csr is not None:
            return self.csr.vat_number
        return None if self.credential is None else self.credential.vat_number

    @property
    def case(self) -> str | None:
        """The case that the grader struck it for."""
        return None if self.exchange.fault is None else self.exchange.fault.case

    @property
    def sent(self) -> int | None:
        """The status that the client got to read with a whole body, None if it got none."""
        fault, response = self.exchange.fault, self.exchange.response
        if response is None:
            return None
        whole = fault is None or (fault.delivered == "all" and "truncate" not in _then(fault.then))
        return response.status if whole else None

    @property
    def is_true(self) -> bool:
        """Whether the answer on record is the authority's own, whatever became of it on the way."""
        fault = self.exchange.fault
        return fault is None or (fault.processed and not {"status", "change", "reject"} & _then(fault.then).keys())

    @property
    def cause(self) -> Cause | None:
        """Why the authority refused the call itself, where that is the truth."""
        response = self.exchange.response
        if response is None or response.because is None or not self.is_true:
            return None
        return response.because.cause

    @property
    def messages(self) -> list[dict[str, object]]:
        """The errors and warnings of the authority's own answer."""
        return answer_messages(self.exchange.response) if self.is_true else []

    @property
    def otp(self) -> str | None:
        """The one-time password that it brings."""
        return self.exchange.request.header("otp")

    @property
    def step(self) -> Step | None:
        """The compliance step that its document is for."""
        if self.document is None or self.credential is None:
            return None
        return step_of(self.document.profile, self.document.type_code, self.credential.type_map)

    def since(self, earlier: "Sighting") -> float:
        """Return the seconds from an earlier answer to this call.

        Real time or the simulator's, whichever says more: whoever moves the clock lets time pass.
        """
        real = self.tick - self.exchange.seconds - earlier.tick
        return max(0.0, real, (self.exchange.received_at - earlier.exchange.received_at).total_seconds())


def sighting_of(fatoora: Fatoora, number: int, exchange: Exchange, tick: float) -> Sighting:
    """Return an exchange with what is known of its parties."""
    environment, endpoint = exchange.environment, exchange.endpoint
    credential = given = csr = document = serial = None
    if environment is not None:
        token = claimed_token(exchange.request)
        credential = credential_of(fatoora, environment, token)
        given = credential_of(fatoora, environment, _token_given(exchange))
        if endpoint in ("compliance_csid", "renewal"):
            csr = csr_of(fatoora, environment, exchange.request)
        if endpoint == "compliance_check" or endpoint in SUBMISSIONS:
            document = read_sent(exchange.request.body)
        serial = csr.egs_serial if csr is not None else _serial_of(fatoora, credential)
    return Sighting(
        number=number,
        exchange=exchange,
        tick=tick,
        credential=credential,
        given=given,
        csr=csr,
        document=document,
        serial=serial,
    )


def _serial_of(fatoora: Fatoora, credential: Credential | None) -> str | None:
    device = None if credential is None else fatoora.registry.device(credential.device_id)
    return None if device is None else device.egs_serial


def credential_of(fatoora: Fatoora, environment: Environment, token: str | None) -> Credential | None:
    """Return the latest credential under a token."""
    found = [] if token is None else fatoora.registry.credentials_by_token(environment, token)
    return found[0] if found else None


def csr_of(fatoora: Fatoora, environment: Environment, request: Request) -> ReceivedCsr | None:
    """Return the CSR in a call, None if it brings none that can be read."""
    text = (json_object(request.body) or {}).get("csr")
    try:
        return read_csr(text if isinstance(text, str) else "", fatoora.switches(environment))
    except RefusedCsr:
        return None


def _token_given(exchange: Exchange) -> str | None:
    if exchange.response is None or exchange.endpoint not in ("compliance_csid", "production_csid", "renewal"):
        return None
    try:
        members = json.loads(exchange.response.body)
    except ValueError:
        return None
    if isinstance(members, dict) and isinstance(members.get("value"), dict):
        members = members["value"]
    token = members.get("binarySecurityToken") if isinstance(members, dict) else None
    return token if isinstance(token, str) else None


def _then(then: object) -> Mapping[str, object]:
    return then if isinstance(then, Mapping) else {}
