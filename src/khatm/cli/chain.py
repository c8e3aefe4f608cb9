"""`khatm chain verify` and `khatm chain import`: is everything that was issued still there, and where does it go on?"""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from khatm.cli.output import Counter, OutputFormat, checked_name, emit, format_option, language_option, progress, say

if TYPE_CHECKING:
    from khatm.cli.chain_text import Told
    from khatm.errors import Language
    from khatm.ledger.head_record import RecordedHead
    from khatm.ledger.ledger import Ledger


@click.group()
def chain() -> None:
    """Prove that what was issued is still there, whole and unchanged; take over an existing chain."""


@chain.command()
@click.argument("pack", metavar="[PACK]", required=False, type=click.Path(path_type=Path))
@click.option("--unit", "unit_name", callback=checked_name, help="Only this unit; otherwise all of them.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Processes for a ledger; one per core if not given.")
@language_option
@format_option
def verify(
    pack: Path | None, unit_name: str | None, jobs: int | None, language: "Language", output_format: OutputFormat
) -> None:
    """Recompute every hash, counter, stamp and record of the ledger, or of the auditor's pack PACK.

    \b
    Names the first break of each unit, what it means and what to do. Other processes may issue meanwhile.
    Exit code 0 if everything holds, 1 if something is broken, 2 if PACK is no pack, 3 if it could not be found out.
    """
    if pack is not None and unit_name is not None:
        raise click.UsageError("--unit belongs to the ledger; a pack holds one unit. Leave --unit or PACK out.")
    began = time.monotonic()
    told = _of_ledger(unit_name, jobs or _cores()) if pack is None else [_of_pack(pack)]
    seconds = time.monotonic() - began
    documents = sum(each.examined for each in told)
    intact = all(each.intact for each in told)
    if output_format == "json":
        for each in told:
            emit(each.record())
        facts = {"units": len(told), "documents": documents, "seconds": round(seconds, 3)}
        emit({"summary": True, "intact": intact, **facts})
    else:
        for each in told:
            for line in each.lines(language):
                say(line)
        progress(f"{documents:,} documents in {seconds:.1f} s, {documents / max(seconds, 1e-9):,.0f} documents/s")
    sys.exit(0 if intact else 1)


@chain.command("import")
@click.option("--unit", "unit_name", callback=checked_name, required=True, help="The unit whose chain goes on.")
@click.option("--last-document", type=click.Path(path_type=Path), help="The stamped XML of the last document issued.")
@click.option("--last-hash", help="Its invoice hash in base64, where the document cannot be had.")
@click.option("--last-counter", type=click.IntRange(1, 10**18 - 1), help="Its counter (ICV); with --last-hash.")
@click.option("--unproven", is_flag=True, help="Go on after --last-hash although the unit has documents already.")
@language_option
@format_option
def import_(
    unit_name: str,
    last_document: Path | None,
    last_hash: str | None,
    last_counter: int | None,
    unproven: bool,
    language: "Language",
    output_format: OutputFormat,
) -> None:
    """Let a unit's chain go on after documents that this ledger did not issue, or has lost.

    For a unit that issued elsewhere before, and for a ledger that was put back to an older copy of itself: the next
    document gets the counter after the imported one and names its hash. What lies between is declared, and
    `khatm chain verify` says so.
    """
    from khatm.cli.chain_text import imported_lines, imported_record
    from khatm.cli.files import read_file
    from khatm.cli.workplace import open_workplace

    if (last_document is None) == (last_hash is None):
        raise click.UsageError("give --last-document FILE, or --last-hash with --last-counter")
    if (last_hash is None) != (last_counter is None):
        raise click.UsageError("--last-hash and --last-counter belong together")
    xml = None if last_document is None else read_file(last_document)
    with open_workplace() as workplace:
        if xml is not None:
            new, evidence = workplace.ledger.import_last_document(unit_name, xml)
            problems = evidence.stamp_problems
        else:
            assert last_hash is not None and last_counter is not None
            new = workplace.ledger.import_stated_head(unit_name, last_counter, last_hash, unproven=unproven)
            problems = []
    if output_format == "json":
        emit(imported_record(unit_name, new, problems))
        return
    for line in imported_lines(unit_name, new, problems, language):
        say(line)


@chain.command("accept-head")
@click.option("--unit", "unit_name", callback=checked_name, required=True, help="The unit whose chain goes on.")
@format_option
def accept_head(unit_name: str, output_format: OutputFormat) -> None:
    """Take the ledger as it is for the true one, although this installation remembers later documents.

    Only where those never left it: to no customer, and not to ZATCA. New documents take their places in the chain;
    where a customer or ZATCA has one of them, that is a fork. Otherwise use `khatm chain import`.
    """
    from khatm.cli.workplace import open_workplace

    with open_workplace() as workplace:
        before = workplace.ledger.recorded_head(unit_name)
        unit = workplace.ledger.accept_head(unit_name)
    given_up = 0 if before is None else max(0, before.icv - (unit.next_icv - 1))
    if output_format == "json":
        emit({"ok": True, "unit": unit.name, "next_icv": unit.next_icv, "given_up": given_up})
        return
    say(f"{unit.name}: the next document gets ICV {unit.next_icv}; {given_up} later documents are given up")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _of_ledger(unit_name: str | None, jobs: int) -> "list[Told]":
    from concurrent.futures.process import BrokenProcessPool

    from khatm.cli.chain_text import told_of_unit
    from khatm.cli.errors import VerificationStopped
    from khatm.cli.workplace import open_workplace
    from khatm.ledger.audit.verification import verify_ledger
    from khatm.ledger.ledger import address_of

    with open_workplace() as workplace:  # brings the ledger up to date before several processes read it
        address = address_of(workplace.home)
        recorded = _recorded(workplace.ledger)
    try:
        reports = verify_ledger(address, unit=unit_name, jobs=jobs, recorded=recorded, progress=Counter())
        return [told_of_unit(each) for each in reports]
    except BrokenProcessPool:
        raise VerificationStopped(jobs=jobs) from None


def _recorded(ledger: "Ledger") -> "dict[str, RecordedHead]":
    """Return what this installation remembers of each unit's last document, where it can be read."""
    from khatm.ledger.store_errors import LedgerNoAccess

    found: dict[str, RecordedHead] = {}
    with suppress(LedgerNoAccess):  # such as a ledger on a medium that nobody can write to
        for unit in ledger.units():
            head = ledger.recorded_head(unit)
            if head is not None:
                found[unit.name] = head
    return found


def _of_pack(pack: Path) -> "Told":
    from khatm.cli.chain_text import told_of_pack
    from khatm.cli.files import require_readable
    from khatm.ledger.audit.pack_verification import verify_pack

    require_readable(pack)
    return told_of_pack(str(pack), verify_pack(pack, Counter()))
