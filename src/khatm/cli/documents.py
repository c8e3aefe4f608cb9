"""`khatm issue`, `document` and `totals`: documents in, stamped bytes out."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from khatm.cli.errors import FileUnwritable, IssuedNotWritten, NotCleared
from khatm.cli.files import read_file, require_writable, write_file
from khatm.cli.issued import issued_facts
from khatm.cli.output import OutputFormat, checked_name, emit, format_option, language_option, progress, say
from khatm.errors import Language

if TYPE_CHECKING:
    from khatm.forecast import BrokenRule


@click.command()
@click.argument("input_file", metavar="INPUT.json", type=click.Path(path_type=Path))
@click.option(
    "--unit", "unit_name", callback=checked_name, required=True, help="The unit whose chain the document joins."
)
@click.option("--out", type=click.Path(path_type=Path), help="Also write the stamped XML to this file.")
@click.option(
    "--reference",
    callback=checked_name,
    help="Your own name for the document: repeating it gives the same document back.",
)
@click.option(
    "--foreign-certificate",
    is_flag=True,
    help="Consent to a stamp under the sandbox's canned certificate, which does not verify.",
)
@click.option(
    "--bulk",
    is_flag=True,
    help="INPUT holds JSON lines: one document to a line, with a member `reference` if you like. A second run issues "
    "nothing twice.",
)
@click.option("--stop-at-error", is_flag=True, help="With --bulk: stop at the first line that is not issued.")
@format_option
def issue(
    input_file: Path,
    unit_name: str,
    out: Path | None,
    reference: str | None,
    foreign_certificate: bool,
    bulk: bool,
    stop_at_error: bool,
    output_format: OutputFormat,
) -> None:
    """Turn the authoring file INPUT.json (`-` reads standard input) into a stamped document in the ledger.

    A document that the official rules would reject is not issued: exit code 1, and no counter is used up. Warnings of
    the rules are shown and do not stop it.

    With --bulk, a line that is refused is told with its number and stops no other; the exit code is the gravest of
    all lines.
    """
    from khatm.cli.workplace import open_workplace
    from khatm.issuing import Issuer

    if bulk:
        from khatm.cli.bulk import issue_lines

        if out is not None or reference is not None:
            raise click.UsageError("--bulk takes neither --out nor --reference: a line has its own `reference`.")
        with open_workplace() as workplace:
            issuer = Issuer(workplace.ledger, workplace.clock, allow_foreign_certificate=foreign_certificate)
            code = issue_lines(issuer, unit_name, input_file, output_format=output_format, stop_at_error=stop_at_error)
        sys.exit(code)
    if stop_at_error:
        raise click.UsageError("--stop-at-error belongs to --bulk.")
    content = read_file(input_file)
    if out is not None:
        require_writable(out)
    with open_workplace() as workplace:
        warnings: list[BrokenRule] = []
        issuer = Issuer(
            workplace.ledger,
            workplace.clock,
            allow_foreign_certificate=foreign_certificate,
            on_warnings=warnings.extend,
        )
        issued = issuer.issue(unit_name, content, reference=reference)
    for each in warnings:
        progress(f"warning: {each.sentence()}")
    placed = issued.document
    if out is not None:
        try:
            write_file(out, issued.xml)
        except FileUnwritable as error:
            raise IssuedNotWritten(
                path=error.path, reason=error.reason, unit=unit_name, icv=placed.icv, uuid=placed.uuid
            ) from None
    facts = {**issued_facts(unit_name, issued), "out": str(out) if out else None}
    if output_format == "json":
        emit({"ok": True, **facts, "warnings": warnings})
        return
    say(f"{'already issued' if issued.repeated else 'issued'}: {facts['file_name']}")
    for name in ("uuid", "icv", "invoice_hash", "payable", "vat_total", "out"):
        if facts[name] is not None:
            say(f"  {name.replace('_', ' '):<14} {facts[name]}")


@click.command()
@click.argument("uuid")
@click.option("--out", type=click.Path(path_type=Path), help="Write what the customer gets to this file.")
@click.option("--stamped", is_flag=True, help="With --out: our own stamped bytes instead of the cleared copy.")
@format_option
def document(uuid: str, out: Path | None, stamped: bool, output_format: OutputFormat) -> None:
    """Show where the document UUID stands, and hand it over.

    The customer gets the cleared copy of a standard document, and the stamped bytes of a simplified one.
    """
    from khatm.cli.workplace import open_workplace

    with open_workplace() as workplace:
        found = workplace.ledger.document(uuid)
        cleared = workplace.ledger.cleared_xml(found)
        follows = None if found.follows is None else workplace.ledger.document_by_id(found.follows).uuid
        followers = [each.uuid for each in workplace.ledger.followers(found)]
        if out is not None:
            content = cleared
            if stamped or found.profile.value == "simplified":
                content = workplace.ledger.document_xml(found)
            if content is None:
                raise NotCleared(uuid=uuid, state=found.state.value)
            write_file(out, content)
    facts: dict[str, object] = {
        "uuid": found.uuid,
        "icv": found.icv,
        "state": found.state.value,
        "route": found.route.value,
        "type_code": found.type_code,
        "transaction_code": found.transaction_code,
        "invoice_hash": found.invoice_hash,
        "payable": found.payable,
        "vat_total": found.vat_total,
        "issued_at": found.issued_at.isoformat(),
        "deadline": found.deadline.isoformat() if found.deadline else None,
        "attempts": found.attempts,
        "reason": found.reason,
        "follows": follows,
        "followed_by": followers,
        "cleared": cleared is not None,
        "out": str(out) if out else None,
    }
    if output_format == "json":
        emit(facts)
        return
    for name, value in facts.items():
        if value not in (None, []):
            say(f"  {name.replace('_', ' '):<16} {', '.join(value) if isinstance(value, list) else value}")


@click.command()
@click.argument("input_file", metavar="INPUT", type=click.Path(path_type=Path))
@click.option("--seller", type=click.Path(path_type=Path), help="The `seller` block where INPUT has none, as JSON.")
@click.option("--repair", is_flag=True, help="INPUT is a UBL invoice: say which amounts are a halala off, and why.")
@click.option("--out", type=click.Path(path_type=Path), help="With --repair: write the repaired invoice to this file.")
@language_option
@format_option
def totals(
    input_file: Path,
    seller: Path | None,
    repair: bool,
    out: Path | None,
    language: Language,
    output_format: OutputFormat,
) -> None:
    """Compute every total of the authoring file INPUT (`-` reads standard input); no unit is needed.

    With --repair, INPUT is the XML of any UBL invoice, and nothing is computed anew that holds. A stamp does not
    survive a repair: the file written has none, and that is said. Exit code 1 if amounts are off and nothing was
    written, or if they are off by more than rounding can explain: such an invoice is never repaired.
    """
    if repair:
        if seller is not None:
            raise click.UsageError("--seller belongs to an authoring file; --repair reads a whole invoice.")
        from khatm.cli.repairing import repair_file

        sys.exit(repair_file(input_file, out, language, output_format))
    if out is not None:
        raise click.UsageError("--out belongs to --repair.")
    from khatm.document.arithmetic import compute
    from khatm.document.model import authoring_data, read_document

    defaults = {"seller": authoring_data(read_file(seller))} if seller else None
    expected = compute(read_document(read_file(input_file), defaults=defaults)).as_expected()
    if output_format == "json":
        emit(expected)
        return
    for line in expected["lines"]:
        amounts = f"net {line['net']:>14}  VAT {line['vat']:>12}  gross {line['gross']:>14}"
        say(f"  {line['id']:>4}  price {line['price']:>16}  {amounts}")
    for row in expected["vat_breakdown"]:
        say(f"  {row['category']} {row['rate']:>6} %  taxable {row['taxable']:>14}  VAT {row['tax']:>12}")
    for name, value in expected["totals"].items():
        say(f"  {name.replace('_', ' '):<16} {value:>16}")
    progress("amounts are in the document's currency; vat sar is in riyal")
