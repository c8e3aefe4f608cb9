"""`khatm doctor`: why a stamp is wrong, whose a certificate is, and whether a unit's parts belong together."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from khatm.cli.errors import NotExaminable
from khatm.cli.output import OutputFormat, emit, format_option, language_option, say

if TYPE_CHECKING:
    from khatm.doctor.files import Beside
    from khatm.errors import Language

_FILE_ENDINGS = (".xml", ".json", ".pem", ".key", ".csr", ".cer", ".crt", ".der", ".txt")


@click.command()
@click.argument("target", metavar="FILE|UNIT")
@click.option("--key", type=click.Path(path_type=Path), help="A private key: does it fit? It is read and never shown.")
@click.option("--cert", type=click.Path(path_type=Path), help="A certificate: is it the one that signed?")
@click.option("--against", type=click.Path(path_type=Path), help="Another document: show the first byte that differs.")
@click.option("--max-size", default=16 * 1024 * 1024, show_default=True, type=click.IntRange(1), help="In bytes.")
@click.option("--offline", is_flag=True, help="Do not ask the unit's gateway for the time.")
@language_option
@format_option
def doctor(
    target: str,
    key: Path | None,
    cert: Path | None,
    against: Path | None,
    max_size: int,
    offline: bool,
    language: "Language",
    output_format: OutputFormat,
) -> None:
    """Find out what is wrong with a stamped document of any program, and name the mistake.

    FILE is an XML document, a request body that carries one, a certificate, a CSR or a private key (`-` is standard
    input); anything else is the name of a unit of the ledger. The output holds no secret and can be passed on.

    \b
    Exit code 0 if nothing is wrong, 1 if something is, 2 if FILE cannot be read, 3 if it could not be found out.
    """
    if target == "-" or Path(target).exists() or "/" in target or target.lower().endswith(_FILE_ENDINGS):
        record, lines, code = _of_file(Path(target), key, cert, against, max_size, language)
    else:
        if key or cert or against:
            raise click.UsageError("--key, --cert and --against belong to a file; a unit has its own in the ledger.")
        record, lines, code = _of_unit(target, language, offline=offline)
    if output_format == "json":
        emit(record)
    else:
        for line in lines:
            say(line)
    sys.exit(code)


def _of_file(
    path: Path, key: Path | None, cert: Path | None, against: Path | None, max_size: int, language: "Language"
) -> tuple[dict[str, object], list[str], int]:
    from khatm.cli.doctor_text import described_lines, described_record, examination_lines, examination_record
    from khatm.cli.files import read_file
    from khatm.clock import SystemClock
    from khatm.doctor.document import examine, is_document
    from khatm.doctor.files import UnknownFile, describe

    data = read_file(path)
    beside = _beside(key, cert)
    if is_document(data):
        examination = examine(
            data,
            key_point=beside.point,
            certificate=beside.certificate,
            against=None if against is None else read_file(against),
            max_bytes=max_size,
        )
        lines = [*examination_lines(str(path), examination, language, compared=against is not None)]
        return examination_record(str(path), examination), lines, 0 if examination.sound else 1
    if against is not None:
        raise click.UsageError("--against compares documents, and FILE is none.")
    try:
        described = describe(data, beside, SystemClock().now())
    except UnknownFile:
        raise NotExaminable(path=str(path)) from None
    lines = [*described_lines(str(path), described, language)]
    return described_record(str(path), described), lines, 0 if described.sound else 1


def _beside(key: Path | None, cert: Path | None) -> "Beside":
    from khatm.cli.files import read_file
    from khatm.doctor.files import Beside, point_of_key
    from khatm.stamp.certificate import read_certificate

    point = None if key is None else point_of_key(read_file(key))
    return Beside(point, None if cert is None else read_certificate(read_file(cert)))


def _of_unit(name: str, language: "Language", *, offline: bool) -> tuple[dict[str, object], list[str], int]:
    from khatm.cli.doctor_text import unit_lines, unit_record
    from khatm.cli.workplace import open_workplace
    from khatm.gateway.environments import gateway_base
    from khatm.gateway.transport import HttpTransport
    from khatm.unit_doctor import Told, examine_unit, gateway_time

    with open_workplace() as workplace:
        unit = workplace.ledger.unit(name)
        address = unit.gateway_url or os.environ.get("KHATM_GATEWAY_URL") or None

        def ask() -> Told:
            transport = HttpTransport(connect_timeout=5.0, read_timeout=10.0, total_timeout=15.0)
            try:
                return gateway_time(transport, gateway_base(unit.environment, address), workplace.clock)
            finally:
                transport.close()

        examination = examine_unit(workplace.ledger, workplace.clock, name, None if offline else ask)
    return unit_record(examination), [*unit_lines(examination, language)], examination.exit_code
