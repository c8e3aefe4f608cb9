"""`khatm simulator`: a whole Fatoora on this machine."""

from pathlib import Path

import click
from click.core import ParameterSource

from khatm.cli.simulator_faults import fault
from khatm.cli.simulator_otp import otp
from khatm.cli.simulator_record import exchange, exchanges
from khatm.cli.simulator_state import clock, reset, restore, snapshot

_PORT = click.IntRange(0, 65535)


@click.group(invoke_without_command=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8080, show_default=True, type=_PORT, help="0 takes a free port.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Keep the state in this folder.")
@click.option("--memory", is_flag=True, help="Keep the state in memory (the default without --data).")
@click.option("--keep-exchanges", type=click.IntRange(1), help="With --data: how many stay on record. [default: 2000]")
@click.option("--set", "settings", multiple=True, metavar="ENVIRONMENT.SWITCH=VALUE", help="Change a behaviour.")
@click.option("--profile", type=click.Path(path_type=Path), metavar="FILE.toml", help="Change behaviours by a file.")
@click.option(
    "--seed", type=click.IntRange(min=0), help="Draw OTPs, secrets, serial numbers and faults alike in every run."
)
@click.option("--https-port", type=_PORT, help="Serve HTTPS too, for the gateway's own names, under a throw-away root.")
@click.option("--proxy-port", type=_PORT, help="An HTTPS proxy that brings the gateway's own names here.")
@click.option(
    "--allow-host", "hosts", multiple=True, metavar="NAME", help="A further name of this machine for pages and /manage."
)
@click.option(
    "--workers",
    default=0,
    show_default=True,
    type=click.IntRange(0, 64),
    help="So many further processes examine documents, for load on more than one core.",
)
@click.option(
    "--grade",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="REPORT",
    help="Grade the clients: REPORT.html and REPORT.json.",
)
@click.option(
    "--grade-case",
    "grade_cases",
    multiple=True,
    metavar="ID",
    help="With --grade: provoke this case only; `none` provokes nothing. [default: all]",
)
@click.pass_context
def simulator(
    context: click.Context,
    host: str,
    port: int,
    data: Path | None,
    memory: bool,
    keep_exchanges: int | None,
    settings: tuple[str, ...],
    profile: Path | None,
    seed: int | None,
    https_port: int | None,
    proxy_port: int | None,
    hosts: tuple[str, ...],
    workers: int,
    grade: Path | None,
    grade_cases: tuple[str, ...],
) -> None:
    """Serve the six gateway endpoints for sandbox, simulation and production, /portal for people, /manage for machines.

    \b
    Prints "simulator ready: http://HOST:PORT" when it accepts connections. SIGTERM and Ctrl-C stop it cleanly.
    --https-port and --proxy-port also print the lines that bring a client with a fixed address here.
    With --grade the exit code is the grade's: 1 if a case failed, 3 if one is undecided or none was met, else 0.
    The commands below talk to a running simulator.
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    from khatm.simulator.server import run

    if memory and data is not None:
        raise click.UsageError("--memory and --data exclude each other: say where the state is kept, once")
    if keep_exchanges is not None and data is None:
        raise click.UsageError("--keep-exchanges needs --data: without it the latest 2,000 or 64 MiB are kept")
    if grade_cases and grade is None:
        raise click.UsageError("--grade-case needs --grade: say where the report is written")
    code = run(
        host=host,
        port=port,
        data=data,
        settings=settings,
        profile=profile,
        keep_exchanges=keep_exchanges,
        seed=seed,
        https_port=https_port,
        proxy_port=proxy_port,
        hosts=hosts,
        workers=workers,
        grade=grade,
        grade_cases=grade_cases,
    )
    if code:
        context.exit(code)


def _refuse_options(context: click.Context) -> None:
    """Say that options of the server mean nothing to a command that talks to a running one."""
    for parameter in context.command.params:
        if context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"{parameter.opts[0]} starts a simulator; `{context.invoked_subcommand}` talks to a running one (--url)"
            )


for _command in (otp, fault, clock, snapshot, restore, reset, exchanges, exchange):
    simulator.add_command(_command)
