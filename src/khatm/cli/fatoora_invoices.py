"""What `fatoora` does with an invoice: stamp it, make the request, print hash or QR code, validate it.

Every invoice is one result, and none stops the others. Source: the stamp standard, sections 6.2, 7 and 13.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from khatm.cli.errors import FileUnreadable, error_record
from khatm.cli.fatoora_arguments import FAILED, HASH, QR, REQUEST, SIGN, VALIDATE
from khatm.cli.fatoora_words import ERROR, INFO, WARN, Line, tell
from khatm.cli.files import read_file, write_file, write_new_file
from khatm.errors import KhatmError
from khatm.stamp.errors import NotStamped

if TYPE_CHECKING:
    from khatm.cli import signing, validating
    from khatm.stamp.verify import Verification

SERVICES: Final = {
    SIGN: "InvoiceSigningService",
    REQUEST: "InvoiceRequestGenerationService",
    HASH: "HashGenerationService",
    QR: "QrGenerationService",
    VALIDATE: "InvoiceValidationService",
}
"""The class that the SDK's log names for each command."""
NAMES: Final = {SIGN: "sign", REQUEST: "invoiceRequest", HASH: "generateHash", QR: "qr", VALIDATE: "validate"}


@dataclass(slots=True)
class Work:
    """What is to be done with each invoice: the commands in their order, and how to stamp and to validate."""

    commands: tuple[str, ...]
    stamping: "signing.Task | None" = None
    judging: "validating.Task | None" = None


class Invoice(NamedTuple):
    """One invoice and where its files go; `fresh` says that the request's name may be changed to a free one."""

    source: Path
    signed: Path
    request: Path
    fresh: bool = True


@dataclass(slots=True)
class Result:
    """What became of one invoice: log lines, one record per command, and the exit code."""

    lines: list[Line] = field(default_factory=list)
    records: list[dict[str, object]] = field(default_factory=list)
    exit_code: int = 0

    def say(self, command: str, level: str, *texts: str) -> None:
        """Add log lines of the command's service."""
        self.lines += [Line(level, SERVICES[command], text) for text in texts]


def process(work: Work, invoice: Invoice) -> Result:
    """Do what is to be done with one invoice; a known error ends it and becomes part of the result."""
    result = Result()
    document = invoice.source
    for command in work.commands:
        try:
            if command == SIGN:
                document = _sign(work, invoice, result)
            elif command == REQUEST:
                _request(document, invoice, result)
            elif command == HASH:
                _hash(document, result)
            elif command == QR:
                _qr(document, result)
            else:
                _validate(work, document, result)
        except KhatmError as error:
            refused(command, document, error, result)
        if result.exit_code:
            break
    return result


def refused(command: str, file: Path | None, error: KhatmError, result: Result) -> None:
    """Add what the SDK says when a command fails, and the error's record; without a file it concerns all of them."""
    cause = " ".join(error.sentence().split())
    if isinstance(error, FileUnreadable) and file is not None and not file.exists():
        cause = f"invoice file is not found: {cause}"
    elif isinstance(error, NotStamped):
        cause = "unable to get signature from invoice"
    text = f"{FAILED[command]} - {cause}" if command == VALIDATE else f"{FAILED[command]} [{cause}]"
    result.say(command, ERROR, text)
    concerned = {} if file is None else {"file": str(file)}
    result.records.append({"command": NAMES[command], **concerned, **error_record(error)})
    result.exit_code = error.exit_code


def _sign(work: Work, invoice: Invoice, result: Result) -> Path:
    from khatm.cli.signing import stamper

    assert work.stamping is not None
    record = stamper(work.stamping).write(invoice.source, invoice.signed)
    result.records.append({"command": "sign", **record})
    if record["warnings"]:  # before the hash: scripts take all that follows its words
        result.say(SIGN, WARN, "the seller's name takes 128 bytes or more in the QR code; use a shorter one")
    result.say(SIGN, INFO, "invoice has been signed successfully", f" *** INVOICE HASH = {record['invoice_hash']}")
    return invoice.signed


def _request(document: Path, invoice: Invoice, result: Result) -> None:
    from khatm.stamp.request import api_request

    body = api_request(read_file(document))
    out = invoice.request
    if invoice.fresh:
        out = write_new_file(out, body)
    else:
        write_file(out, body)
    result.records.append({"command": "invoiceRequest", "file": str(document), "ok": True, "out": str(out)})
    result.say(REQUEST, INFO, "invoice request has been generated successfully")


def _hash(document: Path, result: Result) -> None:
    from khatm.stamp.canonical import invoice_hash

    text = invoice_hash(read_file(document))
    result.records.append({"command": "generateHash", "file": str(document), "ok": True, "invoice_hash": text})
    result.say(HASH, INFO, "invoice hash has been generated successfully", f" *** INVOICE HASH = {text}")


def _qr(document: Path, result: Result) -> None:
    """Print the code that belongs to the document: the embedded one where it fits, else the one it should carry."""
    from khatm.document.xml import parse
    from khatm.stamp.embedded import read_embedded
    from khatm.stamp.verify import verify_tree

    tree = parse(read_file(document))
    embedded = read_embedded(tree.getroot()).qr_text
    verification = verify_tree(tree)
    if not verification.signature_value or verification.certificate is None:
        raise NotStamped("ds:SignatureValue with a certificate")
    wrong = [check.name for check in verification.checks.values() if check.name.startswith("qr_") and not check.passed]
    text = embedded if embedded is not None and not wrong else _rebuilt(verification)
    record: dict[str, object] = {"command": "qr", "file": str(document), "ok": True, "qr": text}
    result.records.append({**record, "differs": wrong})
    if embedded is not None and wrong:
        result.say(QR, WARN, f"the document carries another QR code ({', '.join(wrong)}); here is the one that fits it")
    result.say(QR, INFO, "Qr has been generated successfully", f" *** QR code = {text}")


def _rebuilt(verification: "Verification") -> str:
    from khatm.stamp import qr
    from khatm.stamp.verify_qr import expected_tags

    facts = verification.facts
    expected = expected_tags(
        facts, verification.invoice_hash, verification.signature_value, verification.certificate, facts.simplified
    )
    return qr.encode((tag, value) for tag, value in expected.items() if value is not None)


def _validate(work: Work, document: Path, result: Result) -> None:
    from khatm.cli.validating import examine
    from khatm.rules.report import members

    assert work.judging is not None
    xml = read_file(document)
    record = members(examine(work.judging, xml, work.judging.edition), str(document))
    told = tell(record, simplified=_simplified(xml))
    result.records.append({"command": "validate", "result": told.result, **record})
    result.lines += told.lines
    result.exit_code = told.exit_code


def _simplified(xml: bytes) -> bool:
    """Whether KSA-2 begins with 02, asked only of documents that can be read."""
    from khatm.document.errors import UnreadableXml
    from khatm.document.xml import parse
    from khatm.stamp.facts import read_facts

    try:
        return read_facts(parse(xml).getroot()).simplified
    except UnreadableXml:
        return False
