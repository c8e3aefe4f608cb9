"""`fatoora -csr`: a private key and a certificate signing request from a properties file.

Source: the stamp standard, sections 1.2 to 1.5.
"""

from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Final

from khatm.cli.errors import error_record
from khatm.cli.fatoora_arguments import CSR, FAILED, Arguments, Usage
from khatm.cli.fatoora_invoices import Result
from khatm.cli.fatoora_words import ERROR, INFO, WARN, Line
from khatm.cli.files import new_file, read_file
from khatm.errors import KhatmError

_SERVICE: Final = "CsrGenerationService"


def make(arguments: Arguments, now: datetime) -> Result:
    """Make the key and the CSR, write both files, and say what the SDK says; a known error is part of the result."""
    result = Result()
    try:
        _make(arguments, now, result)
    except KhatmError as error:
        findings = error.facts().get("findings")
        causes = findings if isinstance(findings, list) else [error.sentence()]
        for cause in causes:
            _say(result, ERROR, f"{FAILED[CSR]} [{cause}]")
        result.records.append({"command": "csr", **error_record(error)})
        result.exit_code = error.exit_code
    return result


def _make(arguments: Arguments, now: datetime, result: Result) -> None:
    from khatm.cli.keyfile import write_key_and_csr
    from khatm.environment import Environment
    from khatm.stamp import keys
    from khatm.stamp.csr import CsrFields, build_csr, lint, read_properties

    fields = CsrFields.from_properties(read_properties(read_file(Path(arguments.given["csrconfig"]))))
    environment = Environment.PRODUCTION
    if "sim" in arguments or "nonprod" in arguments:
        environment = Environment.SIMULATION if "sim" in arguments else Environment.SANDBOX
    key = keys.generate_key()
    request = build_csr(fields, environment, key)
    warnings = [finding.sentence() for finding in lint(fields)]
    for warning in warnings:
        _say(result, WARN, warning)
    pem = "pem" in arguments
    key_text = keys.sec1_pem(key) if pem else keys.sec1_base64(key)
    csr_text = request.pem if pem else request.api_text.encode()
    with _csr_place(arguments.get("generatedcsr"), now) as csr_path:
        key_name = csr_path.with_suffix(".key").name.replace("generated-csr-", "generated-private-key-", 1)
        if arguments.get("generatedcsr"):
            key_name = f"generated-private-key-{now:%Y%m%d%H%M%S}.key"
        key_path = Path(arguments.get("privatekey") or key_name)
        if key_path.absolute() == csr_path.absolute():
            raise Usage("-privateKey and -generatedCsr name the same file.", "اسم ملف المفتاح هو نفسه اسم ملف الطلب.")
        kept = write_key_and_csr(key_path, key_text, csr_path, csr_text, now=now)
    if kept is not None:
        _say(result, WARN, f"the private key that was in {key_path} is kept as {kept}")
    _say(result, INFO, "csr and private key have been generated successfully. ")
    record: dict[str, object] = {"command": "csr", "ok": True, "environment": environment.value, "csr": csr_path}
    result.records.append({**record, "key": key_path, "kept_key": kept, "warnings": warnings})


def _csr_place(named: str | None, now: datetime) -> AbstractContextManager[Path]:
    """Return the CSR's name as given, else the SDK's; two runs in one second get two names, and two keys with them."""
    return nullcontext(Path(named)) if named else new_file(Path(f"generated-csr-{now:%Y%m%d%H%M%S}.csr"))


def _say(result: Result, level: str, text: str) -> None:
    result.lines.append(Line(level, _SERVICE, text))
