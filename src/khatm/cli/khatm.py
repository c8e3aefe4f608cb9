"""The `khatm` command: a table of commands, each loaded only when it is called."""

import importlib
import sys
from typing import NoReturn

import click

from khatm import __version__
from khatm.cli.streams import ready_streams
from khatm.errors import KhatmError

# name -> (module, attribute, one line for --help). The line stands here so that --help loads no command.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("khatm.cli.demo", "demo", "Walk the whole way, CSR to cleared invoice, against an embedded simulator."),
    "simulator": ("khatm.cli.simulator", "simulator", "Serve a whole Fatoora on this machine."),
    "unit": ("khatm.cli.unit", "unit", "Add, change, onboard, list, show and renew EGS units."),
    "issue": ("khatm.cli.documents", "issue", "Turn an authoring JSON file into a stamped document in the ledger."),
    "submit": ("khatm.cli.sending", "submit", "Send what is due to the authority."),
    "worker": ("khatm.cli.sending", "worker", "Keep sending what is issued, and what falls due again."),
    "status": ("khatm.cli.status", "status", "Show what is not at the authority and why, by the time that is left."),
    "correct": ("khatm.cli.correct", "correct", "Draft the follow-up of a rejected or accepted document."),
    "document": (
        "khatm.cli.documents",
        "document",
        "Show where a document stands, and hand over what the customer gets.",
    ),
    "chain": ("khatm.cli.chain", "chain", "Prove that nothing issued is lost or changed; take over an existing chain."),
    "export": ("khatm.cli.export", "export", "Write an auditor's pack of a unit and a range of days."),
    "statement": ("khatm.cli.export", "statement", "Count and add up what was issued, day by day."),
    "ledger": ("khatm.cli.ledger", "ledger", "Bring a ledger on a server up to date with this program."),
    "totals": (
        "khatm.cli.documents",
        "totals",
        "Compute the totals of an authoring file, or repair those of an invoice.",
    ),
    "validate": ("khatm.cli.validate", "validate", "Validate XML invoices with the official rules, stage by stage."),
    "explain": ("khatm.cli.explain", "explain", "Explain a rule, a code of the gateway, or a term of the dictionary."),
    "doctor": ("khatm.cli.doctor", "doctor", "Find out what is wrong with a stamp, a certificate or a unit, and why."),
    "csr": ("khatm.cli.stamping", "csr", "Make a key and a CSR from a properties file."),
    "sign": ("khatm.cli.stamping", "sign", "Stamp existing XML invoices."),
    "hash": ("khatm.cli.stamping", "hash_", "Print the invoice hash of XML files."),
    "qr": ("khatm.cli.stamping", "qr", "Print what the QR code of a stamped invoice says."),
    "request": ("khatm.cli.stamping", "request", "Print the gateway request body for a stamped invoice."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported by name on first use, so that `--help` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the command names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command, or None for an unknown name."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = getattr(importlib.import_module(entry[0]), entry[1])
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; a known error ends it as one sentence (and one record in JSON mode) and its exit code."""
        try:
            return super().invoke(ctx)
        except KhatmError as error:
            from khatm.cli.output import fail

            fail(error)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="khatm")
def khatm() -> None:
    """Khatm: Saudi e-invoicing from a CSR to cleared and reported invoices.

    \b
    Exit codes: 0 success; 1 the document or the authority said no; 2 usage or unreadable input;
    3 could not find out (network, time-out); 70 a fault of ours.
    """


def main() -> NoReturn:
    """Run the command line; whatever happens ends as one sentence and an exit code, never as a traceback."""
    ready_streams()
    try:
        code = khatm(standalone_mode=False)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)
    except Exception as error:
        from khatm.cli.crash import report_crash

        sys.exit(report_crash(error))
    sys.exit(code if isinstance(code, int) else 0)
