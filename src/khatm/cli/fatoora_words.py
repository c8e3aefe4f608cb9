"""A validation in the words of the SDK's log: stages, codes and texts that scripts in the field search for.

Source: the stamp standard, sections 6.2 and 13; output of SDK 3.0.8 and 3.4.8 that others recorded.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

INFO: Final = "INFO"
WARN: Final = "WARN"
ERROR: Final = "ERROR"
_PROCESSOR: Final = "ValidationProcessorImpl"
_SERVICE: Final = "InvoiceValidationService"
_STAGES: Final = (
    ("XSD", "schema"),
    ("EN", "en16931"),
    ("KSA", "ksa"),
    ("QR", "qr"),
    ("SIGNATURE", "signature"),
    ("PIH", "pih"),
)
_ON_SIMPLIFIED: Final = frozenset({"qr", "signature"})
"""Stages that the SDK runs for simplified documents only."""
_SCHEMA_CODE: Final = "SAXParseException"
_SCHEMA_TEXT: Final = (
    "Schema validation failed; XML does not comply with UBL 2.1 standards in line with ZATCA specifications"
)
_PLACES: Final = 5
"""Places of the schema finding that are named in the one line the SDK gives it."""
_CHECKS: Final = {
    "certificate_readable": ("certificate", "wrong invoiceCertificate"),
    "certificate_single_line": ("certificate", "wrong invoiceCertificate"),
    "signature_value": ("signatureValue", "wrong signature Value"),
    "invoice_digest": ("invoiceSignedDataDigestValue", "wrong invoice hashing"),
    "signed_properties_digest": ("xadesSignedPropertiesDigestValue", "wrong xadesSignedPropertiesDigestValue"),
    "certificate_digest": ("signingCertificateDigestValue", "wrong signingCertificateDigestValue"),
    "issuer_name": ("X509IssuerName", "wrong X509IssuerName"),
    "serial_number": ("X509SerialNumber", "wrong X509SerialNumber"),
    "qr_1": ("sellerName", "seller name does not match with qr code seller name"),
    "qr_2": ("vatRegistrationNumber", "vatRegistrationNumber does not match with qr code vatRegistrationNumber"),
    "qr_3": ("timestamp", "timestamp does not match with qr code timestamp"),
    "qr_4": ("invoiceTotal", "invoiceTotal does not match with qr code invoiceTotal"),
    "qr_5": ("vatTotal", "vatTotal does not match with qr code vatTotal"),
    "qr_6": ("hashedXml", "hashedXml does not match with qr code hashedXml"),
    "qr_7": ("signature", "signature does not match with qr code signature"),
    "qr_8": ("publicKey", "publicKey does not match with qr code publicKey"),
    "qr_9": ("certificate signature", "certificate signature does not match with qr code certificate signature"),
    "qr_tlv": ("QRCODE_INVALID", "Invalid QR code format"),
    "pih": ("KSA-13", "PIH is inValid"),
}


class Line(NamedTuple):
    """One line of the log without its time."""

    level: str
    source: str
    text: str


class Told(NamedTuple):
    """A validation in the SDK's words: the lines, the global result, and the exit code that it calls for."""

    lines: list[Line]
    result: str
    exit_code: int


def tell(record: Mapping[str, Any], *, simplified: bool) -> Told:
    """Return what the SDK says where `khatm validate` gives this record.

    On standard documents the SDK looks at neither QR code nor signature: no result line, nothing counts. What is
    wrong there is said as warnings.
    """
    stages = {stage["stage"]: stage for stage in record["stages"]}
    readable = stages["xml"]["status"] != "failed"
    if not readable:
        stages["schema"] = stages["xml"]
    lines: list[Line] = []
    failed = False
    undecided = []
    for name, key in _STAGES:
        stage = stages[key]
        counts = simplified or key not in _ON_SIMPLIFIED
        if stage["status"] == "undecided":
            undecided.append(name)
        elif stage["status"] == "skipped" or not counts:
            lines += _warned(name, stage) if not counts else _skipped(name if readable else "")
        else:
            failed = failed or stage["status"] == "failed"
            lines.append(Line(INFO, _PROCESSOR, f"[{name}] validation result : {stage['status'].upper()}"))
            lines += _found(name, stage["findings"])
    if undecided and not failed:
        lines.append(Line(ERROR, _SERVICE, f"failed to validate invoice - {', '.join(undecided)} could not be decided"))
        return Told(lines, "UNDECIDED", 3)
    result = "FAILED" if failed else "PASSED"
    lines.append(Line(INFO, _SERVICE, f" *** GLOBAL VALIDATION RESULT = {result} "))
    return Told(lines, result, 1 if failed else 0)


def _skipped(name: str) -> Iterator[Line]:
    """Say that the chain was not looked at; other stages are skipped where there is nothing to look at."""
    if name == "PIH":
        text = "[PIH] is not compared: no previous invoice hash is configured (--pih FILE, or pihPath of the SDK)"
        yield Line(WARN, _PROCESSOR, text)


def _found(name: str, findings: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    for kind, level in (("error", ERROR), ("warning", WARN)):
        told = _messages(name, [each for each in findings if each["severity"] == kind])
        if told:
            # The SDK logs the heading of warnings as an error, and each warning as a warning.
            yield Line(ERROR, _PROCESSOR, f"{name.lower()} validation {kind}s : ")
            yield from (Line(level, _PROCESSOR, text) for text in told)


def _warned(name: str, stage: Mapping[str, Any]) -> Iterator[Line]:
    told = _messages(name, stage["findings"])
    if told:
        yield Line(WARN, _PROCESSOR, f"{name.lower()} validation warnings : ")
        yield from (Line(WARN, _PROCESSOR, text) for text in told)


def _messages(name: str, findings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one text for each rule: the SDK tells a rule once, and the schema in one line."""
    if name == "XSD" and findings:
        places = [f"{each['message']['en']}" for each in findings[:_PLACES]]
        more = [f"and {len(findings) - _PLACES} more"] if len(findings) > _PLACES else []
        return [_line(_SCHEMA_CODE, f"{_SCHEMA_TEXT} [{'; '.join(places + more)}]")]
    return list(dict.fromkeys(_line(*_coded(name, each)) for each in findings))


def _coded(name: str, finding: Mapping[str, Any]) -> tuple[str, str]:
    rule, title = finding["rule"], finding["message"]["en"]
    if rule in _CHECKS:
        return _CHECKS[rule]
    return (rule, f"[{rule}]-{title}") if name in ("EN", "KSA") else (rule, title)


def _line(code: str, text: str) -> str:
    return f"CODE : {code}, MESSAGE : {' '.join(text.split())}"
