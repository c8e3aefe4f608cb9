"""What the stamp says of its certificate, compared with the certificate: text, digest, issuer, serial number.

Source: the stamp standard, sections 2.3, 2.4 and 4.1.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Final

from khatm.doctor.case import Case, from_base64
from khatm.doctor.causes import Word
from khatm.doctor.difference import first_difference
from khatm.doctor.digests import is_placeholder, other_algorithm, readings
from khatm.doctor.findings import Finding, facts
from khatm.stamp.certificate import Certificate

CERTIFICATE: Final = "ds:X509Certificate"
DIGEST: Final = "ds:DigestValue (xades:CertDigest)"
ISSUER: Final = "ds:X509IssuerName"
SERIAL: Final = "ds:X509SerialNumber"
_SAMPLE_ISSUER: Final = "CN=CommonName"
"""How the issuer begins in the block that the authority's early samples carry in place of a stamp."""
_ALL: Final = ("certificate_digest", "issuer_name", "serial_number")


def examine_signer(case: Case) -> Iterator[Finding]:
    """Yield what is wrong with the certificate and with what the stamp repeats of it."""
    if case.stamp.signature is None:
        return
    yield from _text(case)
    placeholder = _sample_block(case)
    if placeholder is not None:
        yield placeholder
        return
    certificate = case.certificate
    if certificate is None:
        return
    swapped = _swapped(case, certificate)
    if swapped is not None:
        yield swapped
        return
    if case.stamp.certificate_digest != certificate.digest:
        yield from _digest(case, certificate)
    yield from _issuer(case, certificate)
    yield from _serial(case, certificate)


def _text(case: Case) -> Iterator[Finding]:
    """The certificate's text: there, in the right wrapping, on one line, and a certificate."""
    text, certificate = case.stamp.certificate_text, case.certificate
    checks = tuple(name for name in ("certificate_single_line", "certificate_readable") if case.failed(name))
    told = facts(element=CERTIFICATE, found=(text or '""')[:40])
    if text is None:
        yield Finding("DOCTOR-VALUE-MISSING", "read", (*checks, *_of_certificate(case)), told)
    elif is_placeholder(text):
        yield Finding("DOCTOR-VALUE-PLACEHOLDER", "read", (*checks, *_of_certificate(case)), told)
    elif "-----BEGIN" in text:
        yield Finding("DOCTOR-CERTIFICATE-ARMOUR", "read", (*checks, *_of_certificate(case)), told)
    elif certificate is None:
        yield Finding("DOCTOR-CERTIFICATE-UNREADABLE", "read", (*checks, *_of_certificate(case)), told)
    else:
        if case.stamp.certificate_digest == certificate.digest and case.failed("certificate_digest"):
            checks = (*checks, "certificate_digest")  # right for the one-line text
        if "".join(text.split()) != certificate.text:
            yield Finding("DOCTOR-CERTIFICATE-ARMOUR", "read", checks, told)
        elif checks:
            yield Finding("DOCTOR-CERTIFICATE-LINES", "read", checks, {**told, "found": str(len(text.split()))})


def _of_certificate(case: Case) -> list[str]:
    """Return the checks that cannot pass without a certificate that can be read."""
    names = (*_ALL, "signature_value", "qr_8", "qr_9")
    return [name for name in names if case.failed(name)]


def _sample_block(case: Case) -> Finding | None:
    """The block of the early samples: the values of somebody's test certificate, the same in every file."""
    issuer = case.stamp.issuer_name or ""
    if not issuer.startswith(_SAMPLE_ISSUER):
        return None
    names = (*_ALL, "signed_properties_digest")
    checks = tuple(name for name in names if case.failed(name))
    told = facts(
        element=ISSUER, found=issuer, expected=None if case.certificate is None else case.certificate.issuer_name
    )
    return Finding("DOCTOR-XADES-SAMPLE", "read", checks, told)


def _swapped(case: Case, certificate: Certificate) -> Finding | None:
    """All three values well formed and of one other certificate."""
    stamp = case.stamp
    if not all(case.failed(name) for name in _ALL) or any(
        text is None or is_placeholder(text)
        for text in (stamp.certificate_digest, stamp.issuer_name, stamp.serial_number)
    ):
        return None
    expected, found = (
        f"{name}, {number}"
        for name, number in (
            (certificate.issuer_name, certificate.serial_number),
            (stamp.issuer_name, stamp.serial_number),
        )
    )
    told = facts(element=CERTIFICATE, found=found, expected=expected, tried=3)
    if case.other is not None and case.other.digest == stamp.certificate_digest:
        return Finding("DOCTOR-CERTIFICATE-SWAPPED", "compared", _ALL, told)
    plain = (stamp.serial_number or "").isdecimal() and (stamp.issuer_name or "").startswith("CN=")
    form = [each.form for each in readings(stamp.certificate_digest)]
    if not plain or "form-base64-hex" not in form or _known_issuer(stamp.issuer_name or "", certificate):
        return None
    return Finding("DOCTOR-CERTIFICATE-SWAPPED", "excluded", _ALL, told)


def _known_issuer(text: str, certificate: Certificate) -> bool:
    return next((True for code, _ in _issuer_forms(text, certificate) if code), False)


def _digest(case: Case, certificate: Certificate) -> Iterator[Finding]:
    if not case.failed("certificate_digest"):
        return
    checks, text = ("certificate_digest",), case.stamp.certificate_digest
    told = facts(element=DIGEST, found=text, expected=certificate.digest)
    if text is None:
        yield Finding("DOCTOR-VALUE-MISSING", "read", checks, told)
        return
    if is_placeholder(text):
        yield Finding("DOCTOR-VALUE-PLACEHOLDER", "read", checks, told)
        return
    texts = list(_digested(case, certificate))
    written = readings(text)
    for code, name, data in texts:
        for each in written:
            if each.digest == hashlib.sha256(data).digest():
                added = {"text": Word(name), "form": Word(each.form)}
                yield Finding(code or "DOCTOR-CERTIFICATE-DIGEST-FORM", "reproduced", checks, {**told, **added})
                return
        algorithm = other_algorithm(text, data)
        if algorithm is not None:
            yield Finding("DOCTOR-HASH-ALGORITHM", "reproduced", checks, {**told, "algorithm": algorithm})
            return
    yield Finding("DOCTOR-CERTIFICATE-DIGEST-OTHER", "excluded", checks, {**told, "tried": str(len(texts))})


def _digested(case: Case, certificate: Certificate) -> Iterator[tuple[str, str, bytes]]:
    """Yield what may have been hashed in place of the one-line text; no code where only the form is wrong."""
    line = certificate.text.encode()
    embedded = (case.stamp.certificate_text or "").encode()
    yield "", "text-line", embedded
    yield "", "text-line", line
    yield "DOCTOR-CERTIFICATE-DIGEST-DER", "text-der", certificate.der
    pem = certificate.pem
    body = b"".join(pem.splitlines(keepends=True)[1:-1])
    code = "DOCTOR-CERTIFICATE-DIGEST-TEXT"
    for name, data in (
        ("text-pem", pem), ("text-pem", pem.strip()), ("text-pem", pem.replace(b"\n", b"\r\n")),
        ("text-lines", body), ("text-lines", body.strip()), ("text-lines", body.replace(b"\n", b"\r\n")),
        ("text-newline", line + b"\n"), ("text-newline", line + b"\r\n"),
        ("text-token", certificate.token.encode()), ("text-hex", certificate.der.hex().encode()),
        ("text-key", certificate.spki), ("text-tbs", certificate.tbs),
    ):  # fmt: skip
        yield code, name, data


def _issuer_forms(text: str, certificate: Certificate) -> Iterator[tuple[str, str]]:
    """Yield the code and the word of the form in which a text writes the certificate's issuer."""
    right = certificate.issuer_name
    parts = right.split(", ")
    if " ".join(text.split()) == right or "".join(text.split()) == "".join(right.split()):
        yield "DOCTOR-ISSUER-BLANKS", "issuer-lines" if "\n" in text else "issuer-blanks"
    encoded = parts[::-1]
    if [each.strip() for each in text.split(",")] == encoded:
        yield "DOCTOR-ISSUER-ORDER", "issuer-encoded"
    if text.strip("/").split("/") in (encoded, parts):
        yield "DOCTOR-ISSUER-FORM", "issuer-slashes"
    plain = re.sub(r"\s*([,=+;])\s*", r"\1", text).replace(";", ",").lower()
    for sequence in (parts, encoded):
        joined = ",".join(sequence).lower()
        if plain in (joined, joined.replace("dc=", "0.9.2342.19200300.100.1.25=").replace("cn=", "2.5.4.3=")):
            yield "DOCTOR-ISSUER-FORM", "issuer-spelling"
        if plain == joined.replace("dc=", "domaincomponent=").replace("cn=", "commonname="):
            yield "DOCTOR-ISSUER-FORM", "issuer-spelling"
    values = [part.partition("=")[2] for part in parts]
    if [value.strip() for value in re.split(r"[,/]", text)] == values or text == values[0]:
        yield "DOCTOR-ISSUER-FORM", "issuer-values"
    subject = {attribute.value for attribute in certificate.subject}
    said = {part.partition("=")[2].strip() for part in text.split(",")}
    if said and said <= subject and "=" in text:
        yield "DOCTOR-ISSUER-SUBJECT", "issuer-subject"


def _issuer(case: Case, certificate: Certificate) -> Iterator[Finding]:
    if not case.failed("issuer_name"):
        return
    checks, text = ("issuer_name",), case.stamp.issuer_name
    told = facts(element=ISSUER, found=text, expected=certificate.issuer_name)
    if text is None or is_placeholder(text):
        code = "DOCTOR-VALUE-MISSING" if text is None else "DOCTOR-VALUE-PLACEHOLDER"
        yield Finding(code, "read", checks, told)
        return
    parting = first_difference(ISSUER, certificate.issuer_name.encode(), text.encode())
    for code, form in _issuer_forms(text, certificate):
        yield Finding(code, "compared", checks, {**told, "form": Word(form)}, parting)
        return
    yield Finding("DOCTOR-ISSUER-OTHER", "compared", checks, told, parting)


def _serial(case: Case, certificate: Certificate) -> Iterator[Finding]:
    if not case.failed("serial_number"):
        return
    checks, text = ("serial_number",), case.stamp.serial_number
    right = certificate.serial_number
    told = facts(element=SERIAL, found=text, expected=str(right))
    if text is None or is_placeholder(text):
        code = "DOCTOR-VALUE-MISSING" if text is None else "DOCTOR-VALUE-PLACEHOLDER"
        yield Finding(code, "read", checks, told)
        return
    plain = re.sub(r"[\s:_-]", "", text).lower().removeprefix("0x")
    octets = right.to_bytes((right.bit_length() + 8) // 8, "big")
    code, form = "DOCTOR-SERIAL-OTHER", ""
    if re.fullmatch(r"[0-9a-f]+", plain) and int(plain, 16) == right:
        code, form = "DOCTOR-SERIAL-FORM", "form-hex"
    elif _same_float(text, right):
        code, form = "DOCTOR-SERIAL-FLOAT", ""
    elif from_base64(text) in (octets, octets.lstrip(b"\x00")):
        code, form = "DOCTOR-SERIAL-FORM", "form-base64"
    elif "".join(re.findall(r"[0-9]+", text)) == str(right):
        code, form = "DOCTOR-SERIAL-FORM", "form-grouped"
    elif plain.isdecimal() and int(plain) == int.from_bytes(octets.lstrip(b"\x00"), "little"):
        code, form = "DOCTOR-SERIAL-FORM", "form-little-endian"
    added = {"form": Word(form)} if form else {}
    proof = "compared" if code == "DOCTOR-SERIAL-OTHER" else "reproduced"
    parting = first_difference(SERIAL, str(right).encode(), text.encode())
    yield Finding(code, proof, checks, {**told, **added}, parting)  # type: ignore[arg-type]


def _same_float(text: str, right: int) -> bool:
    """Whether a number is the serial as binary floating point has it, or its first digits only."""
    try:
        if re.search(r"[eE.]", text):
            return abs(float(text) - float(right)) <= float(right) * 1e-6
        found = int(text)
    except (ValueError, OverflowError):
        return False
    return found in (int(float(right)), int(f"{float(right):.0f}")) or (
        len(str(found)) == len(str(right)) and str(found)[:14] == str(right)[:14] and str(found)[17:].strip("0") == ""
    )


def fingerprint(data: bytes) -> str:
    """Return the first sixteen hexadecimal digits of a SHA-256, to tell keys apart without showing them."""
    return hashlib.sha256(data).hexdigest()[:16]
