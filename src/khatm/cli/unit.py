"""`khatm unit`: an EGS unit's life, from its properties file to its renewals."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from khatm.cli.errors import UnusableSeller
from khatm.cli.output import OutputFormat, checked_name, emit, format_option, progress, say
from khatm.cli.steps import StepPrinter
from khatm.cli.workplace import Workplace, open_workplace
from khatm.environment import Environment
from khatm.ledger.generations import Generation
from khatm.ledger.units import Unit
from khatm.onboarding.otp import OtpReason, OtpSource, one_otp

if TYPE_CHECKING:
    from khatm.onboarding.session import LiveCredentials


@click.group()
def unit() -> None:
    """Add, change, onboard, list, show and renew EGS units."""


@unit.command()
@click.argument("name", callback=checked_name)
@click.option("--csr", "csr_file", required=True, type=click.Path(path_type=Path), help="The unit's properties file.")
@click.option("--environment", required=True, type=click.Choice([each.value for each in Environment]))
@click.option("--seller", type=click.Path(path_type=Path), help="The `seller` block of the authoring format, as JSON.")
@click.option("--gateway", "gateway_url", help="Replaces https://gw-fatoora.zatca.gov.sa/e-invoicing for this unit.")
@format_option
def add(
    name: str,
    csr_file: Path,
    environment: str,
    seller: Path | None,
    gateway_url: str | None,
    output_format: OutputFormat,
) -> None:
    """Add the unit NAME; its key and CSR are made when it is onboarded."""
    from khatm.cli.files import read_file
    from khatm.gateway.environments import checked_base
    from khatm.stamp.csr import CsrFields, lint, read_properties
    from khatm.stamp.errors import InvalidCsrFields

    fields = CsrFields.from_properties(read_properties(read_file(csr_file)))
    findings = lint(fields)
    broken = [finding for finding in findings if finding.severity == "error"]
    if broken:
        raise InvalidCsrFields(tuple(broken))
    for finding in findings:
        progress(f"warning: {finding.sentence()}")
    if gateway_url is not None:
        gateway_url = checked_base(gateway_url)
    block = _read_seller(seller, fields.organization_identifier) if seller else None
    with open_workplace() as workplace:
        added = workplace.ledger.add_unit(name, Environment(environment), fields, block, gateway_url)
        _show(workplace, added, output_format, f"added {name} ({environment}, type map {added.type_map})")
    if block is None:
        progress(
            "no --seller: compliance documents will carry the CSR's names and VAT number and a placeholder address; "
            "issued documents must name their seller themselves"
        )


@unit.command("set")
@click.argument("name", callback=checked_name)
@click.option("--seller", type=click.Path(path_type=Path), help="The new `seller` block, as JSON.")
@click.option("--gateway", "gateway_url", help="The new gateway address; an empty text removes it.")
@format_option
def set_unit(name: str, seller: Path | None, gateway_url: str | None, output_format: OutputFormat) -> None:
    """Change the seller block or the gateway address of the unit NAME."""
    from khatm.gateway.environments import checked_base

    if seller is None and gateway_url is None:
        raise click.UsageError("nothing to change: give --seller FILE or --gateway URL")
    with open_workplace() as workplace:
        found = workplace.ledger.unit(name)
        block = None if seller is None else _read_seller(seller, found.vat_number)
        address = checked_base(gateway_url) if gateway_url else None
        if block is not None:
            found = workplace.ledger.set_seller(found, block)
        if gateway_url is not None:
            found = workplace.ledger.set_gateway_url(found, address)
        _show(workplace, found, output_format, f"changed {name}")


@unit.command()
@click.argument("name", callback=checked_name)
@click.option("--otp", help="The one-time password; `-` reads it from standard input. Without it you are asked.")
@click.option("--anew", is_flag=True, help="Give up an attempt under way and begin with a new key and a new password.")
@format_option
def onboard(name: str, otp: str | None, anew: bool, output_format: OutputFormat) -> None:
    """Take the unit NAME to its Production CSID, or go on where an earlier run stopped."""
    from khatm.onboarding.onboard import Onboarding

    with open_workplace() as workplace, StepPrinter(output_format) as printer:
        found = workplace.ledger.unit(name)
        walk = Onboarding(workplace.ledger, workplace.gateway(found), workplace.clock, printer, home=workplace.home)
        live = walk.run(name, _otp_source(otp), anew=anew)
        _sum_up(printer, live, "live")


@unit.command()
@click.argument("name", callback=checked_name)
@click.option("--otp", help="The one-time password for renewal; `-` reads it from standard input.")
@format_option
def renew(name: str, otp: str | None, output_format: OutputFormat) -> None:
    """Replace the Production CSID of the unit NAME; its chain goes on."""
    from khatm.onboarding.renewal import Renewal
    from khatm.submission.outbox import submit_due

    with open_workplace() as workplace, StepPrinter(output_format) as printer:
        found = workplace.ledger.unit(name)

        def flush() -> None:
            submit_due(workplace.ledger, workplace.gateway, workplace.clock, unit=name, report=printer.document)

        walk = Renewal(workplace.ledger, workplace.gateway(found), workplace.clock, printer, home=workplace.home)
        live = walk.run(name, _otp_source(otp), before_switch=flush)
        _sum_up(printer, live, "renewed")


@unit.command("list")
@format_option
def list_units(output_format: OutputFormat) -> None:
    """List the units and where each stands."""
    with open_workplace() as workplace:
        units = workplace.ledger.units()
        for each in units:
            facts = _facts(workplace, each)
            if output_format == "json":
                emit(facts)
            else:
                say(f"{each.name:<20} {each.environment:<11} map {each.type_map}  {facts['standing']}")
        if not units and output_format == "text":
            say("no units yet; add one with: khatm unit add NAME --csr FILE.properties --environment simulation")


@unit.command()
@click.argument("name", callback=checked_name)
@format_option
def show(name: str, output_format: OutputFormat) -> None:
    """Show the unit NAME: credentials, compliance steps, chain and documents."""
    with open_workplace() as workplace:
        _show(workplace, workplace.ledger.unit(name), output_format)


def _read_seller(path: Path, vat_number: str) -> dict[str, object]:
    from khatm.cli.files import read_file
    from khatm.document.errors import InvalidDocument, Problem
    from khatm.document.model import authoring_data, read_party

    try:
        block = authoring_data(read_file(path))
        read_party(block)
    except InvalidDocument as error:
        raise UnusableSeller(path=str(path), problems=error.problems) from None
    if block["vat"] != vat_number:
        allowed, allowed_ar = f"{vat_number}, as in the properties file", f"{vat_number} كما في ملف الخصائص"
        raise UnusableSeller(str(path), (Problem("vat", block["vat"], allowed, allowed_ar=allowed_ar),))
    return block


def _otp_source(otp: str | None) -> OtpSource:
    if otp == "-":
        return one_otp(sys.stdin.readline().strip() or None)
    if otp is not None:
        return one_otp(otp)
    if not sys.stdin.isatty():
        return one_otp(None)

    def ask(reason: OtpReason) -> str | None:
        progress(reason.sentence())
        answer: str = click.prompt("OTP", default="", show_default=False, err=True)
        return answer or None

    return ask


def _sum_up(printer: StepPrinter, live: "LiveCredentials", what: str) -> None:
    printer.summary(
        f"{live.unit} is {what}: generation {live.generation}, valid until {live.not_after:%Y-%m-%d}",
        ok=True,
        unit=live.unit,
        generation=live.generation,
        not_after=live.not_after,
        own_key=live.own_key,
        already_live=live.already_live,
    )


def _show(workplace: Workplace, found: Unit, output_format: OutputFormat, headline: str | None = None) -> None:
    facts = _facts(workplace, found)
    if output_format == "json":
        emit(facts)
        return
    if headline:
        say(headline)
    for name, value in facts.items():
        say(f"  {name.replace('_', ' '):<22} {_shown(value)}")


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {number}" for key, number in value.items()) or "none"
    if isinstance(value, list):
        return " ".join(str(each) for each in value) or "none"
    return "-" if value is None else str(value)


def _facts(workplace: Workplace, found: Unit) -> dict[str, object]:
    from khatm.onboarding.plan import required_steps
    from khatm.stamp.certificate import read_certificate

    live = workplace.ledger.live_generation(found)
    under_way = workplace.ledger.open_generation(found)
    expiry = read_certificate(live.pcsid_token).not_after if live is not None and live.pcsid_token else None
    counts = workplace.ledger.document_counts(found)
    passed = under_way.passed_steps if under_way else ()
    missing = [step.name for step in required_steps(found.type_map) if step.name not in passed]
    return {
        "unit": found.name,
        "environment": found.environment.value,
        "standing": _standing(found, live, under_way),
        "vat_number": found.vat_number,
        "type_map": found.type_map,
        "common_name": found.csr_fields.common_name,
        "egs_serial": found.csr_fields.serial_number,
        "live_generation": live.label if live else None,
        "pcsid_expires": expiry.isoformat() if expiry else None,
        "generation_under_way": under_way.label if under_way else None,
        "steps_passed": list(passed),
        "steps_missing": missing if under_way or not live else [],
        "next_icv": found.next_icv,
        "last_hash": found.last_hash,
        "documents": {state.value: number for state, number in counts.items() if number},
        "stopped": found.stopped_reason,
        "gateway": found.gateway_url,
    }


def _standing(found: Unit, live: Generation | None, under_way: Generation | None) -> str:
    if found.stopped_reason:
        return "stopped"
    if live is not None:
        return "active, renewal under way" if under_way is not None else "active"
    if under_way is None:
        return "new"
    return "compliance" if under_way.ccsid_token else "key and CSR made"
