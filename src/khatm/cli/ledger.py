"""`khatm ledger`: what concerns the ledger itself."""

import click

from khatm.cli.output import OutputFormat, emit, format_option, say


@click.group()
def ledger() -> None:
    """Look after the ledger itself."""


@ledger.command()
@format_option
def upgrade(output_format: OutputFormat) -> None:
    """Bring the ledger's schema up to date with this program.

    A SQLite ledger is copied first and brought up to date by any command. A ledger on a PostgreSQL server waits for
    this one: stop the other Khatm processes and make a copy (pg_dump) before.
    """
    from khatm.cli.workplace import open_workplace
    from khatm.ledger.migrations import newest_version

    with open_workplace(upgrade=True) as workplace:
        place = workplace.ledger.place
    if output_format == "json":
        emit({"ok": True, "place": place, "schema": newest_version()})
        return
    say(f"the ledger {place} has schema {newest_version()}")
