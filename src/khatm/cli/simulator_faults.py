"""`khatm simulator fault`: arm, list and clear the faults of a running simulator."""

import json
from pathlib import Path
from typing import Any

import click

from khatm.cli.output import OutputFormat, emit, format_option, say
from khatm.cli.simulator_call import duration, manage, url_option

_OF_THE_CALL = ("environment", "unit", "times", "every", "probability", "seed")


@click.group()
def fault() -> None:
    """Make a running simulator fail on demand: lost answers, errors, delays, a clearance that is switched off."""


@fault.command()
@click.argument("endpoint", required=False)
@click.option("--script", type=click.Path(path_type=Path, allow_dash=True), help="Arm the faults of this JSON file.")
@click.option("--environment", help="sandbox, simulation or production; all of them without it.")
@click.option("--unit", help="Only calls of this VAT number, common name, serial or token hash.")
@click.option("--times", type=int, help="How often it strikes; once without this, --every and --probability.")
@click.option("--until-cleared", is_flag=True, help="It strikes until it is cleared.")
@click.option("--every", type=int, help="It strikes every so many calls.")
@click.option("--probability", type=float, help="It strikes with this probability, 0 to 1, drawn by --seed.")
@click.option("--seed", type=int, help="What --probability is drawn by; the simulator's own seed without it.")
@click.option("--answered", type=int, multiple=True, metavar="STATUS", help="Wait for this true answer. Repeatable.")
@click.option("--drop", help="End the connection without an answer: close or reset.")
@click.option("--status", type=int, help="Answer this status.")
@click.option("--body", help="The family of body that goes with it: HTML, HTTPERR, FLAT, TEXT, NULL-MESSAGES, …")
@click.option("--content", help="A body of your own for it.")
@click.option("--retry-after", help="That header: seconds, or an HTTP date.")
@click.option("--when", help="Before or after the call is processed: --drop, --status, --delay.")
@click.option("--delay", type=duration, help="Answer so much later: 5s.")
@click.option("--change", multiple=True, help="Alter the true answer: info-as-object, … Repeatable.")
@click.option("--truncate", help="Send part of the body: connection (then it is closed), or json.")
@click.option("--keep", type=int, help="How many octets --truncate sends; half of them without it.")
@click.option("--bytes-per-second", type=int, help="Trickle the body.")
@click.option("--clearance-off", is_flag=True, help="As if clearance were switched off: 303.")
@click.option("--reject", metavar="CODE", help="Refuse the document for this rule, and note it as rejected.")
@click.option("--event", help="First let something happen: certificate-revoked, certificate-expired, otp-expired.")
@click.option("--advance", type=duration, help="First move the clock: 24h.")
@url_option
@format_option
def add(endpoint: str | None, script: Path | None, url: str, output_format: OutputFormat, **options: Any) -> None:
    """Arm a fault on ENDPOINT, or those of a script.

    \b
    ENDPOINT is compliance_csid, compliance_check, production_csid, renewal, reporting, clearance, or '*'.
    The next three clearances are processed, then their answers are lost:
        khatm simulator fault add clearance --times 3 --drop close --when after
    """
    if (endpoint is None) == (script is None):
        raise click.UsageError("name either an ENDPOINT or a --script FILE")
    if script is not None and any(options.values()):
        raise click.UsageError("--script stands alone: what is to happen is written in the file")
    members = _fault(endpoint, options) if script is None else _read(script)
    armed = manage(url, "POST", "/faults", members)["faults"]
    for each in armed:
        emit(each) if output_format == "json" else say(f"armed {_line(each)}")


@fault.command(name="list")
@url_option
@format_option
def list_(url: str, output_format: OutputFormat) -> None:
    """Say what is armed and how often it has struck."""
    for each in manage(url, "GET", "/faults")["faults"]:
        emit(each) if output_format == "json" else say(_line(each))


@fault.command()
@click.argument("number", required=False, type=int, metavar="[ID]")
@url_option
@format_option
def clear(number: int | None, url: str, output_format: OutputFormat) -> None:
    """Disarm the fault ID, or all of them."""
    found = manage(url, "DELETE", "/faults" if number is None else f"/faults/{number}")
    emit(found) if output_format == "json" else say(f"cleared: {found['cleared']}")


def _fault(endpoint: str | None, options: dict[str, Any]) -> dict[str, object]:
    """Return the members of a fault; the simulator judges them."""
    given = {name: value for name, value in options.items() if value not in (None, (), False)}
    members: dict[str, object] = {"endpoint": endpoint}
    members |= {name: given.pop(name) for name in _OF_THE_CALL if name in given}
    if given.pop("until_cleared", False):
        members["times"] = None
    if "answered" in given:
        members["answered"] = list(given.pop("answered"))
    if given.pop("clearance_off", False):
        given["clearance"] = "off"
    if "advance" in given:
        given["advance_seconds"] = given.pop("advance")
    if "change" in given:
        given["change"] = list(given["change"])
    if str(given.get("retry_after", "")).isdecimal():
        given["retry_after"] = int(given["retry_after"])
    return {**members, "then": given}


def _read(script: Path) -> object:
    from khatm.cli.files import read_file

    try:
        return json.loads(read_file(script))
    except ValueError as error:
        raise click.UsageError(f"{script} is no JSON: {error}") from None


def _line(armed: dict[str, Any]) -> str:
    where = f"{armed.get('environment') or 'every environment'}, {armed['endpoint']}"
    left = "until cleared" if armed["remaining"] is None else f"{armed['remaining']} left"
    then = json.dumps(armed["then"], ensure_ascii=False)
    return f"{armed['id']:>4}  {where}: {then}  (struck {armed['fired']} of {armed['matched']} calls, {left})"
