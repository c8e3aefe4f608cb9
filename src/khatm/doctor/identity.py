"""Who a certificate belongs to and what it may do: the facts that people ask for, and those that do not fit a document.

Source: the stamp standard, sections 2.1, 2.2 and 2.4.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from khatm.clock import SAUDI
from khatm.doctor.case import Case
from khatm.doctor.causes import Word
from khatm.doctor.findings import Finding, facts, shown
from khatm.doctor.signer import fingerprint
from khatm.stamp.certificate import Certificate

Kind = Literal["compliance", "production", "simulation", "test", "unknown"]
"""What an issuer's name says: a compliance CSID of any environment, or a production CSID of one of them."""

_ISSUERS: Final[tuple[tuple[str, Kind], ...]] = (
    ("CN=eInvoicing", "compliance"),
    ("CN=PRZEINVOICESCA", "production"),
    ("CN=PEZEINVOICESCA", "simulation"),
    ("CN=TSZEINVOICE", "test"),
)
_SOON: Final = timedelta(days=30)
_ZONES: Final = timedelta(hours=3)
_STANDARD, _SIMPLIFIED = 0, 1
"""Positions in the type map."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The facts of one certificate. `key` is a fingerprint of its public key, for comparing; times are aware."""

    common_name: str
    organization: str
    vat_number: str
    egs_serial: str
    type_map: str
    issuer: str
    serial: str
    kind: Kind
    curve: str
    key: str
    not_before: datetime
    not_after: datetime

    def record(self) -> dict[str, object]:
        """Return the JSON record."""
        return {name: getattr(self, name) for name in self.__slots__}


def identity(certificate: Certificate) -> Identity:
    """Return what a certificate says of its holder, fit to be shown."""
    return Identity(
        common_name=shown(certificate.common_name),
        organization=shown(certificate.organization),
        vat_number=shown(certificate.vat_number),
        egs_serial=shown(certificate.egs_serial),
        type_map=shown(certificate.invoice_types),
        issuer=shown(certificate.issuer_name),
        serial=str(certificate.serial_number),
        kind=kind_of(certificate),
        curve=certificate.curve,
        key=fingerprint(certificate.spki),
        not_before=certificate.not_before,
        not_after=certificate.not_after,
    )


def kind_of(certificate: Certificate) -> Kind:
    """Return what kind of CSID a certificate is by its issuer."""
    return next((kind for prefix, kind in _ISSUERS if certificate.issuer_name.startswith(prefix)), "unknown")


def examine_validity(certificate: Certificate, now: datetime) -> Iterator[Finding]:
    """Yield whether a certificate has ended, ends soon, or has not begun."""
    told = facts(
        element="ds:X509Certificate",
        found=certificate.common_name,
        ended=f"{certificate.not_after.astimezone(SAUDI):%Y-%m-%d %H:%M}",
        begins=f"{certificate.not_before.astimezone(SAUDI):%Y-%m-%d %H:%M}",
    )
    if now > certificate.not_after:
        yield Finding("DOCTOR-CERTIFICATE-ENDED", "read", (), told)
    elif now + _SOON > certificate.not_after:
        yield Finding("DOCTOR-CERTIFICATE-ENDS-SOON", "read", (), told)
    elif now < certificate.not_before:
        yield Finding("DOCTOR-CERTIFICATE-NOT-YET", "read", (), told)


def examine_holder(case: Case) -> Iterator[Finding]:
    """Yield where the certificate does not fit the document: whose VAT number, which kinds, which time."""
    certificate = case.certificate
    if certificate is None:
        return
    document = case.facts
    told = facts(element="ds:X509Certificate", found=certificate.vat_number, expected=document.vat_number)
    if certificate.vat_number and document.vat_number and certificate.vat_number != document.vat_number:
        yield Finding("DOCTOR-CERTIFICATE-VAT", "compared", (), told)
    types = certificate.invoice_types
    position = _SIMPLIFIED if document.simplified else _STANDARD
    if len(types) == 4 and types[position] == "0":
        kind = Word("kind-simplified" if document.simplified else "kind-standard")
        yield Finding("DOCTOR-CERTIFICATE-TYPE-MAP", "compared", (), facts(found=types, kind=kind))
    if kind_of(certificate) == "compliance":
        yield Finding("DOCTOR-CERTIFICATE-COMPLIANCE", "read", (), facts(found=certificate.issuer_name))
    elif kind_of(certificate) == "unknown":
        yield Finding("DOCTOR-CERTIFICATE-ISSUER", "read", (), facts(found=certificate.issuer_name))
    yield from _at_signing(case, certificate)
    yield from _beside(case, certificate)


def _at_signing(case: Case, certificate: Certificate) -> Iterator[Finding]:
    signed = _moment(case.stamp.signing_time)
    if signed is None:
        return
    if signed - _ZONES > certificate.not_after or signed + _ZONES < certificate.not_before:
        valid = (
            f"{certificate.not_before.astimezone(SAUDI):%Y-%m-%d} – {certificate.not_after.astimezone(SAUDI):%Y-%m-%d}"
        )
        told = facts(element="xades:SigningTime", found=case.stamp.signing_time, expected=valid)
        yield Finding("DOCTOR-SIGNED-OUTSIDE-VALIDITY", "compared", (), told)


def _beside(case: Case, certificate: Certificate) -> Iterator[Finding]:
    """A key or certificate that was given beside the document."""
    if case.key_point is not None and case.key_point != certificate.point:
        told = facts(found=fingerprint(case.key_point), expected=fingerprint(certificate.point))
        yield Finding("DOCTOR-KEY-OTHER", "compared", (), told)
    if case.other is not None and case.other != certificate:
        told = facts(
            found=f"{certificate.common_name}, {certificate.serial_number}",
            expected=f"{case.other.common_name}, {case.other.serial_number}",
        )
        yield Finding("DOCTOR-CERTIFICATE-GIVEN", "compared", (), told)


def _moment(text: str | None) -> datetime | None:
    """Read a signing time; without a zone it is Saudi time."""
    try:
        moment = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    if not 2000 < moment.year < 9000:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=SAUDI)
