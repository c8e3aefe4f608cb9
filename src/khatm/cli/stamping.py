"""The stateless commands around the stamp: `csr`, `sign`, `hash`, `qr`, `request`."""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from khatm.cli.errors import error_record
from khatm.cli.output import OutputFormat, emit, format_option, progress, say
from khatm.environment import Environment
from khatm.errors import KhatmError

_FILE = click.Path(path_type=Path)


@click.command()
@click.option(
    "--config", "config", type=_FILE, required=True, help="Properties file with the nine csr.* keys, in UTF-8."
)
@click.option(
    "--environment",
    type=click.Choice([each.value for each in Environment]),
    required=True,
    help="Which environment's certificate template the CSR names.",
)
@click.option("--key", "key_path", type=_FILE, help="Use this private key instead of making one.")
@click.option("--key-out", type=_FILE, help="Where to write the new key [default: generated-private-key-TIME.key].")
@click.option("--out", "out", type=_FILE, help="Where to write the CSR [default: generated-csr-TIME.csr].")
@click.option("--pem", is_flag=True, help="Write PEM; otherwise the one-line forms that the SDK and the gateway use.")
@format_option
def csr(
    config: Path,
    environment: str,
    key_path: Path | None,
    key_out: Path | None,
    out: Path | None,
    pem: bool,
    output_format: OutputFormat,
) -> None:
    """Make a private key and a CSR from a properties file.

    A key file that is already there is kept under another name.
    """
    from khatm.cli.files import read_file, write_file
    from khatm.cli.keyfile import write_key_and_csr
    from khatm.stamp import keys
    from khatm.stamp.csr import CsrFields, build_csr, lint, read_properties

    if key_path is not None and key_out is not None:
        raise click.UsageError("--key uses a key that is there, --key-out names a new one; give one of them.")
    now = datetime.now().astimezone()
    fields = CsrFields.from_properties(read_properties(read_file(config)))
    key = keys.generate_key() if key_path is None else keys.load_key(read_file(key_path))
    request = build_csr(fields, Environment(environment), key)
    out = out or Path(f"generated-csr-{now:%Y%m%d%H%M%S}.csr")
    request_text = request.pem if pem else request.api_text.encode()
    kept = None
    if key_path is None:
        key_out = key_out or Path(f"generated-private-key-{now:%Y%m%d%H%M%S}.key")
        if key_out.absolute() == out.absolute():
            raise click.UsageError("--key-out and --out name the same file.")
        key_text = keys.sec1_pem(key) if pem else keys.sec1_base64(key)
        kept = write_key_and_csr(key_out, key_text, out, request_text, now=now)
    else:
        write_file(out, request_text)
    warnings = [finding.sentence() for finding in lint(fields)]
    key_file = str(key_path or key_out)
    if output_format == "json":
        record: dict[str, object] = {"ok": True, "environment": environment, "csr": str(out), "key": key_file}
        emit({**record, "kept_key": kept, "warnings": warnings})
        return
    for warning in warnings:
        progress(f"warning: {warning}")
    if kept is not None:
        progress(f"the key that was in {key_out} is kept as {kept}")
    say(f"CSR for {environment}: {out}")
    say(f"private key: {key_file}")


@click.command()
@click.option("--cert", "certificate", type=_FILE, required=True, help="Certificate: PEM, DER, base64 text or token.")
@click.option("--key", "key", type=_FILE, required=True, help="Private key that belongs to the certificate.")
@click.option("--out", "out", type=_FILE, help="Output file, for one input [default: NAME_signed.xml here].")
@click.option("--out-dir", type=_FILE, help="Output folder; file names are kept.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes to use.")
@click.option("--verify", is_flag=True, help="Verify every stamp again from the finished bytes.")
@click.option("--allow-utc", is_flag=True, help="Accept issue times ending in Z; the QR code carries Saudi time.")
@click.option(
    "--foreign-certificate", is_flag=True, help="Accept a certificate of another key (the sandbox's canned one)."
)
@click.option("--at", help="Signing time, ISO 8601 with zone [default: now].")
@click.argument("files", nargs=-1, required=True, type=_FILE)
@format_option
def sign(
    certificate: Path,
    key: Path,
    out: Path | None,
    out_dir: Path | None,
    jobs: int,
    verify: bool,
    allow_utc: bool,
    foreign_certificate: bool,
    at: str | None,
    files: tuple[Path, ...],
    output_format: OutputFormat,
) -> None:
    """Stamp existing XML invoices."""
    from khatm.cli.signing import Task, stamp_files

    task = Task(certificate, key, foreign_certificate, allow_utc, verify, _moment(at))
    code = 0
    for outcome in stamp_files(task, _targets(files, out, out_dir), jobs):
        code = max(code, outcome.exit_code)
        if output_format == "json":
            emit(outcome.record)
        if outcome.exit_code:
            progress(outcome.line)
        elif output_format == "text":
            say(outcome.line)
    sys.exit(code)


@click.command(name="hash")
@click.argument("files", nargs=-1, required=True, type=_FILE)
@format_option
def hash_(files: tuple[Path, ...], output_format: OutputFormat) -> None:
    """Print the invoice hash of XML files."""
    from khatm.cli.files import read_file
    from khatm.stamp.canonical import invoice_hash

    code = 0
    for file in files:
        try:
            text = invoice_hash(read_file(file))
        except KhatmError as error:
            code = max(code, _report(file, error, output_format))
            continue
        if output_format == "json":
            emit({"file": str(file), "ok": True, "invoice_hash": text})
        else:
            say(f"{text}  {file}")
    sys.exit(code)


@click.command()
@click.argument("file", type=_FILE)
@format_option
def qr(file: Path, output_format: OutputFormat) -> None:
    """Print what the QR code of a stamped invoice says."""
    from khatm.cli.files import read_file
    from khatm.document.xml import parse
    from khatm.stamp import qr as qr_code
    from khatm.stamp.embedded import read_embedded
    from khatm.stamp.errors import NotStamped

    text = read_embedded(parse(read_file(file)).getroot()).qr_text
    if text is None:
        raise NotStamped("QR code (cac:AdditionalDocumentReference with the ID QR)")
    content = qr_code.decode(text)
    tags = [
        {"tag": tag, "name": qr_code.TAG_NAMES.get(tag, "unknown"), "bytes": len(value), "value": _shown(tag, value)}
        for tag, value in content.items
    ]
    if output_format == "json":
        emit({"file": str(file), "ok": True, "qr": text, "lengths": content.lengths, "tags": tags})
        return
    for tag in tags:
        say(f"{tag['tag']}  {tag['name']:<22}{tag['value']}")
    if content.lengths == "plain":
        progress("warning: the lengths are single octets above 127; the SDKs write the BER long form")


@click.command()
@click.argument("file", type=_FILE)
@click.option("--out", "out", type=_FILE, help="Write the body to a file instead of standard output.")
@format_option
def request(file: Path, out: Path | None, output_format: OutputFormat) -> None:
    """Print the gateway request body for an invoice: invoiceHash, uuid and the document in base64."""
    from khatm.cli.files import read_file, write_file
    from khatm.stamp.request import api_request

    body = api_request(read_file(file))
    if out is None:
        say(body.decode())  # the body is one JSON object on one line in either format
        return
    write_file(out, body)
    if output_format == "json":
        emit({"file": str(file), "ok": True, "out": str(out)})
    else:
        say(f"{file} -> {out}")


def _targets(files: Sequence[Path], out: Path | None, out_dir: Path | None) -> list[tuple[Path, Path]]:
    """Pair every input with its output; refuse an output that is an input or another's output."""
    from khatm.cli.files import make_folder, refuse_overwriting

    if out is not None and (out_dir is not None or len(files) > 1):
        raise click.UsageError("--out is for one file; use --out-dir for several.")
    if out is not None:
        pairs = [(files[0], out)]
    elif out_dir is not None:
        make_folder(out_dir)
        pairs = [(file, out_dir / file.name) for file in files]
    else:
        pairs = [(file, Path(f"{file.stem}_signed.xml")) for file in files]
    refuse_overwriting(pairs)
    return pairs


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    from khatm.clock import saudi_time

    try:
        return saudi_time(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is no time with a zone, such as 2026-01-15T12:30:00+03:00", param_hint="--at"
        ) from None


def _report(file: Path, error: KhatmError, output_format: OutputFormat) -> int:
    if output_format == "json":
        emit({"file": str(file), **error_record(error)})
    progress(f"{file}: {error.sentence()}")
    return error.exit_code


def _shown(tag: int, value: bytes) -> str:
    """Tags 8 and 9 are binary, the others text."""
    return value.hex() if tag >= 8 else value.decode("utf-8", "backslashreplace")
