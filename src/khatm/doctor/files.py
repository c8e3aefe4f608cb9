"""Keys, certificates and CSRs as files: what each is, whom it is for, and whether they belong together.

Nothing of a private key is told but the fingerprint of its public key. Source: the stamp standard, sections 1 and 2.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from khatm.doctor.causes import Word
from khatm.doctor.findings import Finding, facts, shown
from khatm.doctor.identity import Identity, examine_validity, identity
from khatm.doctor.signer import fingerprint
from khatm.environment import Environment
from khatm.stamp import curve, der, keys
from khatm.stamp.certificate import Certificate, read_certificate
from khatm.stamp.csr import Csr, read_csr_file
from khatm.stamp.errors import EncryptedKey, UnreadableCertificate, UnreadableCsr, UnreadableKey, WrongCurve

FileKind = Literal["certificate", "csr", "key"]
_TEMPLATE: Final = "1.3.6.1.4.1.311.20.2"
_EXTENSION_REQUEST: Final = "1.2.840.113549.1.9.14"
_ALTERNATIVE: Final = "2.5.29.17"
_TITLE, _UID, _SERIAL = "2.5.4.12", "0.9.2342.19200300.100.1.1", "2.5.4.4"
_ECDSA: Final = "1.2.840.10045.4.3.2"


@dataclass(frozen=True, slots=True)
class Request:
    """What a CSR asks for; `environment` is the one that its template stands for, None for another template."""

    common_name: str
    organization: str
    vat_number: str
    egs_serial: str
    type_map: str
    template: str
    environment: str | None
    curve: str
    key: str

    def record(self) -> dict[str, object]:
        """Return the JSON record."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Described:
    """One file of a kind other than a document. `key` is the fingerprint of its public key."""

    kind: FileKind
    key: str
    findings: tuple[Finding, ...]
    certificate: Identity | None = None
    request: Request | None = None

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not any(each.severity == "error" for each in self.findings)


@dataclass(frozen=True, slots=True)
class Beside:
    """A key or certificate given beside a file."""

    point: bytes | None = None
    certificate: Certificate | None = field(default=None)


class UnknownFile(ValueError):
    """Bytes that are neither a document nor a certificate, CSR or key."""


def describe(data: bytes, beside: Beside, now: datetime) -> Described:
    """Describe a certificate, CSR or private key in any of the forms that are around.

    Raises UnknownFile, or the error of a key that is encrypted or of another kind.
    """
    try:
        return _certificate(read_certificate(data), beside, now)
    except UnreadableCertificate:
        pass
    try:
        return _csr(read_csr_file(data), beside)
    except (UnreadableCsr, der.MalformedDer):
        pass
    try:
        return _key(keys.public_point(keys.load_key(data)), beside)
    except (EncryptedKey, WrongCurve):
        raise
    except UnreadableKey:
        raise UnknownFile from None


def point_of_key(data: bytes) -> bytes:
    """Return the public point of a private key file. Raises UnreadableKey, EncryptedKey, WrongCurve."""
    return keys.public_point(keys.load_key(data))


def mark_of(point: bytes) -> str:
    """Return the fingerprint of a public key on secp256k1, given its point."""
    return fingerprint(_PREFIX + point)


_PREFIX: Final = bytes.fromhex("3056301006072a8648ce3d020106052b8104000a034200")


def _certificate(certificate: Certificate, beside: Beside, now: datetime) -> Described:
    findings = [*examine_validity(certificate, now), *_key_fits(beside, certificate.point, certificate.curve)]
    if beside.certificate is not None and beside.certificate != certificate:
        findings += _same_key(beside.certificate.point, certificate.point)
    return Described("certificate", fingerprint(certificate.spki), tuple(findings), certificate=identity(certificate))


def _key_fits(beside: Beside, point: bytes, kind: str) -> Iterator[Finding]:
    if kind != "secp256k1":
        yield Finding("DOCTOR-WRONG-CURVE", "read", (), facts(element="SubjectPublicKeyInfo", found=kind))
    elif beside.point is not None:
        yield from _same_key(beside.point, point)


def _same_key(given: bytes, point: bytes) -> Iterator[Finding]:
    if given != point:
        yield Finding("DOCTOR-KEY-OTHER", "compared", (), facts(found=mark_of(given), expected=mark_of(point)))


def _key(point: bytes, beside: Beside) -> Described:
    findings: list[Finding] = []
    if beside.certificate is not None:
        findings += _same_key(point, beside.certificate.point)
    if beside.point is not None:
        findings += _same_key(beside.point, point)
    told = None if beside.certificate is None else identity(beside.certificate)
    return Described("key", mark_of(point), tuple(findings), certificate=told)


def _csr(csr: Csr, beside: Beside) -> Described:
    request, point = read_request(csr)
    findings = [*_request_findings(request)]
    if request.curve != "secp256k1":
        findings.append(Finding("DOCTOR-CSR-CURVE", "read", (), facts(found=request.curve, expected="secp256k1")))
    elif not _signed(csr, point):
        findings.append(Finding("DOCTOR-CSR-SIGNATURE", "read", (), facts(key=Word("key-unknown"))))
    if beside.point is not None:
        findings += _same_key(beside.point, point)
    if beside.certificate is not None:
        findings += _same_key(beside.certificate.point, point)
    return Described("csr", request.key, tuple(findings), request=request)


def _request_findings(request: Request) -> Iterator[Finding]:
    if request.environment is None:
        yield Finding("DOCTOR-CSR-TEMPLATE", "read", (), facts(found=request.template or "—"))
    digits = request.vat_number
    if not (len(digits) == 15 and digits.isdecimal() and digits[0] == digits[-1] == "3"):
        told = facts(field="UID", found=digits or "—", expected="3…3 (15)")
        yield Finding("DOCTOR-CSR-FIELD", "read", (), told)
    if request.type_map not in ("1000", "0100", "1100"):
        told = facts(field="title", found=request.type_map or "—", expected="1000, 0100, 1100")
        yield Finding("DOCTOR-CSR-FIELD", "read", (), told)


def read_request(csr: Csr) -> tuple[Request, bytes]:
    """Return what a CSR asks for and the public point it asks it for. Raises MalformedDer."""
    parts = der.read(csr.tbs).expect(der.SEQUENCE).children(4)
    subject = _attributes(parts[1])
    spki = parts[2].expect(der.SEQUENCE)
    algorithm, point = spki.children(2)[:2]
    extensions = {kind: value for part in parts[3:] for kind, value in _extensions(part)}
    alternative = _alternative(extensions.get(_ALTERNATIVE, b""))
    template = _template(extensions.get(_TEMPLATE, b""))
    environment = next((each.value for each in Environment if each.csr_template == template), None)
    request = Request(
        common_name=subject.get("2.5.4.3", ""),
        organization=subject.get("2.5.4.10", ""),
        vat_number=alternative.get(_UID, ""),
        egs_serial=alternative.get(_SERIAL, ""),
        type_map=alternative.get(_TITLE, ""),
        template=template,
        environment=environment,
        curve=keys.curve_of(algorithm.expect(der.SEQUENCE)),
        key=fingerprint(spki.encoded),
    )
    return request, point.bits


def _attributes(name: der.Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for rdn in name.expect(der.SEQUENCE):
        for pair in rdn.expect(der.SET):
            kind, value = pair.expect(der.SEQUENCE).children(2)[:2]
            found[kind.oid] = shown(value.content.decode("utf-8", "replace"))
    return found


def _extensions(attributes: der.Element) -> Iterator[tuple[str, bytes]]:
    for attribute in attributes:
        kind, values = attribute.expect(der.SEQUENCE).children(2)[:2]
        if kind.oid == _EXTENSION_REQUEST:
            for extension in values.children(1)[0]:
                fields = extension.expect(der.SEQUENCE).children(2)
                yield fields[0].oid, fields[-1].expect(der.OCTET_STRING).content


def _alternative(value: bytes) -> dict[str, str]:
    if not value:
        return {}
    found: dict[str, str] = {}
    for name in der.read(value):
        if name.tag == 0xA4:
            found.update(_attributes(name.children(1)[0]))
    return found


def _template(value: bytes) -> str:
    """Read the template's name: any string type, or bare text as some clients write it."""
    with contextlib.suppress(der.MalformedDer):
        value = der.read(value).content
    return shown(value.decode("utf-8", "replace"))


def _signed(csr: Csr, point: bytes) -> bool:
    """Whether the CSR's own signature fits its key; one by SHA-1 is taken too, as some clients sign so."""
    algorithm, signature = der.read(csr.der).expect(der.SEQUENCE).children(3)[1:3]
    name = "sha256" if algorithm.children(1)[0].oid == _ECDSA else "sha1"
    digest = hashlib.new(name, csr.tbs, usedforsecurity=False).digest()
    return curve.verify(point, digest.rjust(32, b"\x00"), signature.bits)
