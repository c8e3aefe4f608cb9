"""`khatm status`: what is not at the authority, and why."""

import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from khatm.cli.output import OutputFormat, checked_name, emit, format_option, say

if TYPE_CHECKING:
    from khatm.submission.status import OpenCircuit, OpenDocument, Status, UnitStatus


@click.command()
@click.option("--unit", "unit_name", callback=checked_name, help="Only this unit; otherwise all of them.")
@click.option(
    "--limit",
    type=click.IntRange(0),
    help="Show so many waiting documents, the most urgent first; 0 shows all. Text shows 50 unless told, JSON all.",
)
@format_option
def status(unit_name: str | None, limit: int | None, output_format: OutputFormat) -> None:
    """Show what is not at the authority and why, by the time that is left, and where each unit stands.

    \b
    Exit code 0 when everything is there; 1 when something needs somebody (rejected, set aside, a unit that cannot
    send) or a 24-hour period is over; 3 when documents only wait.
    """
    from khatm.cli.workplace import open_workplace
    from khatm.submission.status import status_of

    with open_workplace() as workplace:
        shown = limit if limit is not None else (0 if output_format == "json" else 50)
        found = status_of(workplace.ledger, workplace.clock, unit_name, limit=shown)
    if output_format == "json":
        _emit(found)
    else:
        _say(found)
    sys.exit(found.exit_code)


def _emit(found: "Status") -> None:
    for one in found.documents:
        emit({"record": "document", **_document(one)})
    for unit in found.units:
        emit({"record": "unit", **_unit(unit)})
    for circuit in found.circuits:
        emit({"record": "circuit", **_circuit(circuit)})
    emit({"record": "summary", "at": found.at, "waiting": found.waiting, "open": len(found.documents)})


def _document(one: "OpenDocument") -> dict[str, object]:
    document = one.document
    return {
        "unit": one.unit,
        "icv": document.icv,
        "uuid": document.uuid,
        "profile": document.profile,
        "type_code": document.type_code,
        "state": document.state,
        "why": one.obstacle,
        "seconds_left": None if one.time_left is None else int(one.time_left.total_seconds()),
        "deadline": document.deadline,
        "attempts": document.attempts,
        "next_attempt_at": document.next_attempt_at,
        "behind_icv": one.behind,
        "follows": one.follows,
        "message": {"en": one.sentence("en"), "ar": one.sentence("ar")},
    }


def _unit(one: "UnitStatus") -> dict[str, object]:
    unit = one.unit
    return {
        "unit": unit.name,
        "environment": unit.environment,
        "onboarded": one.onboarded,
        "waiting": one.waiting,
        "next_icv": unit.next_icv,
        "last_hash": unit.last_hash,
        "stopped_reason": unit.stopped_reason,
        "stopped_at": unit.stopped_at,
    }


def _circuit(one: "OpenCircuit") -> dict[str, object]:
    return {"environment": one.environment, "gateway": one.gateway, "until": one.until, "message": one.reason}


def _say(found: "Status") -> None:
    if not found.documents:
        say("everything issued is at the authority")
    for one in found.documents:
        document = one.document
        kind = f"{document.profile.value} {document.type_code}"
        say(f"{_left(one.time_left):>9}  {one.unit:<16} ICV {document.icv:<8} {kind:<14} {one.sentence()}")
        say(f"{'':>9}  {document.uuid}" + ("" if one.follows is None else f"  follows {one.follows}"))
    hidden = found.waiting - sum(one.document.settled_at is None for one in found.documents)
    if hidden > 0:
        say(f"… and {hidden} more that wait (--limit 0 shows all)")
    for circuit in found.circuits:
        address = circuit.gateway or "the gateway"
        place = f"{address} ({circuit.environment.value})"
        say(f"{place} is left alone until {circuit.until:%H:%M:%S}Z: {circuit.reason['en']}")
    for standing in found.units:
        unit = standing.unit
        word = "" if standing.onboarded else "  not onboarded"
        word = f"  stopped since {unit.stopped_at:%Y-%m-%d %H:%M}Z: {unit.stopped_reason}" if unit.stopped_at else word
        say(
            f"{unit.name:<16} {unit.environment.value:<11} {standing.waiting} waiting, "
            f"next ICV {unit.next_icv}, last hash {unit.last_hash}{word}"
        )


def _left(time_left: timedelta | None) -> str:
    """Return what is left of the 24 hours as hours and minutes, `-` before what is over."""
    if time_left is None:
        return "—"
    minutes = int(abs(time_left).total_seconds()) // 60
    return f"{'-' if time_left < timedelta(0) else ''}{minutes // 60}:{minutes % 60:02d} h"
