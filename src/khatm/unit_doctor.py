"""The doctor for a unit: do its key, certificate, secret and environment belong together, is the clock right, where
does its chain stand, and what waits.

Nothing is changed and nothing is sent for the unit. Source: the stamp standard, sections 1 and 2; the gateway contract
6.3 and 8.4.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

from khatm.clock import Clock
from khatm.doctor.case import from_base64
from khatm.doctor.causes import Word
from khatm.doctor.files import mark_of, point_of_key, read_request
from khatm.doctor.findings import Finding, facts
from khatm.doctor.identity import Identity, examine_validity, identity, kind_of
from khatm.environment import Environment
from khatm.errors import KhatmError
from khatm.gateway.transport import Transport, WireRequest
from khatm.ledger.errors import UnknownDocument
from khatm.ledger.generations import Generation, GenerationState
from khatm.ledger.ledger import Ledger
from khatm.ledger.units import Unit
from khatm.stamp.canonical import INITIAL_PIH, invoice_hash
from khatm.stamp.certificate import Certificate, read_certificate
from khatm.stamp.csr import read_csr_file
from khatm.stamp.errors import UnreadableCertificate

_SKEW: Final = 60.0
"""Seconds; a Date header has whole seconds, and the answer took a moment."""
_SECRET_BYTES: Final = 32
_DOCUMENTS: Final = 20
"""How many of the last documents are asked for an exchange with a Date."""
_KINDS: Final = {Environment.SIMULATION: "simulation", Environment.PRODUCTION: "production"}


@dataclass(frozen=True, slots=True)
class Told:
    """What was learned of the gateway's clock: `seconds` that ours is ahead, or why that is not known."""

    seconds: float | None
    source: str


@dataclass(frozen=True, slots=True)
class UnitExamination:
    """What the doctor says of a unit. `certificates` are those of its generations, by label and kind of CSID."""

    unit: Unit
    findings: tuple[Finding, ...]
    certificates: tuple[tuple[str, str, Identity], ...]
    clock: Told | None
    waiting: int
    refused: int

    @property
    def exit_code(self) -> int:
        """1 if something is wrong, 3 if something could not be found out, else 0."""
        if any(each.severity == "error" for each in self.findings):
            return 1
        return 3 if self.clock is not None and self.clock.seconds is None else 0


def examine_unit(ledger: Ledger, clock: Clock, name: str, ask: Callable[[], Told] | None = None) -> UnitExamination:
    """Examine a unit; `ask` asks its gateway for the time, None leaves the clock out. Raises UnknownUnit."""
    unit = ledger.unit(name)
    generations = [each for each in (ledger.live_generation(unit), ledger.open_generation(unit)) if each is not None]
    findings: list[Finding] = []
    certificates: list[tuple[str, str, Identity]] = []
    if not any(each.state == GenerationState.LIVE for each in generations):
        findings.append(Finding("DOCTOR-UNIT-NOT-ONBOARDED", "read", (), facts(found=unit.name)))
    for generation in generations:
        for kind, certificate in _certificates(generation):
            certificates.append((generation.label, kind, identity(certificate)))
        findings += _credentials(ledger, unit, generation, clock.now())
    told = None if ask is None else _time(ledger, unit, ask)
    findings += [*_stopped(unit), *_chain(ledger, unit), *_clock(told)]
    waiting, refused = ledger.unsent_count(unit), len(ledger.refused_documents(unit))
    overdue = sum(1 for each in ledger.unsent_documents(unit) if each.deadline and each.deadline < clock.now())
    if waiting:
        findings.append(Finding("DOCTOR-UNIT-WAITING", "read", (), facts(found=waiting)))
    if refused + overdue:
        findings.append(Finding("DOCTOR-UNIT-OVERDUE", "read", (), facts(found=refused + overdue)))
    return UnitExamination(unit, tuple(findings), tuple(certificates), told, waiting, refused)


def gateway_time(transport: Transport, url: str, clock: Clock) -> Told:
    """Ask a gateway for its time: any answer with a Date will do, a refusal too; no credentials are sent."""
    began = clock.now()
    answer = transport.send(WireRequest("GET", url, (("Accept", "application/json"), ("Accept-Version", "V2")), b""))
    ended = clock.now()
    date = _date(answer.headers)
    if date is None:
        return Told(None, f"{answer.fault}" if answer.fault else f"HTTP {answer.status}")
    return Told(((began + (ended - began) / 2) - date).total_seconds(), url)


def _certificates(generation: Generation) -> Iterator[tuple[str, Certificate]]:
    for kind, token in (("PCSID", generation.pcsid_token), ("CCSID", generation.ccsid_token)):
        if token is None:
            continue
        try:
            yield kind, read_certificate(token)
        except UnreadableCertificate:
            continue
        if kind == "PCSID":
            return


def _credentials(ledger: Ledger, unit: Unit, generation: Generation, now: datetime) -> Iterator[Finding]:
    """Key, CSR, certificate and secret of one generation."""
    label = generation.label
    point = None
    try:
        point = point_of_key(ledger.key_of(generation))
    except KhatmError:
        yield Finding("DOCTOR-UNIT-SEALED", "read", (), facts(generation=label, found=Word("part-key")))
    yield from _asked_for(unit, generation, point)
    yield from _secret(ledger, generation)
    found = next(_certificates(generation), None)
    if found is None:
        if generation.pcsid_token or generation.ccsid_token:
            told = facts(element="binarySecurityToken", found=label)
            yield Finding("DOCTOR-CERTIFICATE-UNREADABLE", "read", (), told)
        return
    kind, certificate = found
    yield from examine_validity(certificate, now)
    if generation.foreign_certificate and kind == "PCSID":
        yield Finding("DOCTOR-UNIT-FOREIGN", "read", (), facts(generation=label))
        return
    if point is not None and point != certificate.point:
        told = facts(generation=label, found=mark_of(point), expected=mark_of(certificate.point))
        yield Finding("DOCTOR-UNIT-KEY", "compared", (), told)
    yield from _belongs(unit, label, kind, certificate)


def _asked_for(unit: Unit, generation: Generation, point: bytes | None) -> Iterator[Finding]:
    """The CSR: made with this key, and for this environment."""
    try:
        request, asked = read_request(read_csr_file(generation.csr_pem))
    except (KhatmError, ValueError):
        return
    if point is not None and asked != point:
        told = facts(generation=generation.label, found=mark_of(asked), expected=mark_of(point))
        yield Finding("DOCTOR-UNIT-CSR", "compared", (), told)
    if request.environment != unit.environment.value:
        told = facts(generation=generation.label, found=request.template, expected=unit.environment.value)
        yield Finding("DOCTOR-UNIT-ENVIRONMENT", "compared", (), told)


def _secret(ledger: Ledger, generation: Generation) -> Iterator[Finding]:
    """Open the secret and look at its form alone."""
    if generation.pcsid_token is None and generation.ccsid_token is None:
        return
    read = ledger.pcsid_credentials if generation.pcsid_token is not None else ledger.ccsid_credentials
    try:
        secret = read(generation).secret
    except KhatmError:
        yield Finding("DOCTOR-UNIT-SEALED", "read", (), facts(generation=generation.label, found=Word("part-secret")))
        return
    raw = from_base64(secret)
    if raw is None or len(raw) != _SECRET_BYTES:
        told = facts(generation=generation.label, found=0 if raw is None else len(raw))
        yield Finding("DOCTOR-UNIT-SECRET", "read", (), told)


def _belongs(unit: Unit, label: str, kind: str, certificate: Certificate) -> Iterator[Finding]:
    """The certificate beside the unit: whose VAT number, which kinds of documents, which environment."""
    vat_number, types = certificate.vat_number, certificate.invoice_types
    if vat_number and vat_number != unit.vat_number:
        told = facts(generation=label, found=vat_number, expected=unit.vat_number)
        yield Finding("DOCTOR-UNIT-VAT", "compared", (), told)
    if types and types != unit.type_map:
        yield Finding(
            "DOCTOR-UNIT-TYPE-MAP", "compared", (), facts(generation=label, found=types, expected=unit.type_map)
        )
    issued = kind_of(certificate)
    if issued == "unknown":
        yield Finding("DOCTOR-CERTIFICATE-ISSUER", "read", (), facts(found=certificate.issuer_name))
    wanted = "compliance" if kind == "CCSID" else _KINDS.get(unit.environment)
    if wanted is not None and issued not in (wanted, "unknown"):
        told = facts(generation=label, found=certificate.issuer_name, expected=unit.environment.value)
        yield Finding("DOCTOR-UNIT-ENVIRONMENT", "compared", (), told)


def _stopped(unit: Unit) -> Iterator[Finding]:
    if unit.stopped_reason is not None:
        since = "" if unit.stopped_at is None else f"{unit.stopped_at:%Y-%m-%d %H:%M}Z"
        yield Finding("DOCTOR-UNIT-STOPPED", "read", (), facts(found=unit.stopped_reason, since=since))


def _chain(ledger: Ledger, unit: Unit) -> Iterator[Finding]:
    """The head of the chain beside the last document, whose hash is recomputed from its bytes."""
    last = unit.next_icv - 1
    imported = next((each for each in ledger.chain_imports(unit) if each.icv == last), None)
    if imported is not None:
        expected, field = imported.invoice_hash, f"ICV {last}"
    elif last == 0:
        expected, field = INITIAL_PIH, "ICV 0"
    else:
        try:
            stored = ledger.stored_xml(ledger.document_at(unit, last))
        except UnknownDocument:
            stored = None
        expected, field = "—" if stored is None else _hash(stored.content), f"ICV {last}"
    if unit.last_hash != expected:
        told = facts(field=field, found=unit.last_hash, expected=expected)
        yield Finding("DOCTOR-UNIT-CHAIN", "compared", (), told)


def _hash(xml: bytes) -> str:
    try:
        return invoice_hash(xml)
    except KhatmError as error:
        return error.code


def _time(ledger: Ledger, unit: Unit, ask: Callable[[], Told]) -> Told:
    """Ask the gateway; where it is not reached, take the last exchange of which a Date is kept."""
    told = ask()
    if told.seconds is not None:
        return told
    for document in reversed(ledger.documents(unit, after=max(0, unit.next_icv - 1 - _DOCUMENTS))):
        exchange = ledger.last_exchange(document)
        date = None if exchange is None else _date(exchange.response_headers)
        if exchange is not None and date is not None:
            middle = exchange.started_at + (exchange.ended_at - exchange.started_at) / 2
            return Told((middle - date).total_seconds(), f"{exchange.url}, {exchange.ended_at:%Y-%m-%d %H:%M}Z")
    return told


def _clock(told: Told | None) -> Iterator[Finding]:
    if told is None:
        return
    if told.seconds is None:
        yield Finding("DOCTOR-UNIT-CLOCK-UNKNOWN", "read", (), facts(found=told.source))
    elif abs(told.seconds) > _SKEW:
        yield Finding("DOCTOR-UNIT-CLOCK", "compared", (), facts(found=f"{told.seconds:+.0f}", expected=told.source))


def _date(headers: tuple[tuple[str, str], ...]) -> datetime | None:
    """Read the Date header as an aware time (RFC 9110, section 6.6.1); None if there is none."""
    text = next((value for name, value in headers if name.lower() == "date"), None)
    try:
        moment = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
