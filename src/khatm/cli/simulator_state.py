"""`khatm simulator clock|snapshot|restore|reset`: time travel and kept states of a running simulator."""

import click

from khatm.cli.output import OutputFormat, emit, format_option, say
from khatm.cli.simulator_call import duration, manage, url_option


@click.group(invoke_without_command=True)
@url_option
@format_option
@click.pass_context
def clock(context: click.Context, url: str, output_format: OutputFormat) -> None:
    """Read, move and stop the clock of a running simulator."""
    if context.invoked_subcommand is None:
        _tell(manage(url, "GET", "/clock"), output_format)


@clock.command(context_settings={"ignore_unknown_options": True})
@click.argument("by", type=duration)
@click.option("--freeze", is_flag=True, help="And let it stand there.")
@url_option
@format_option
def advance(by: float, freeze: bool, url: str, output_format: OutputFormat) -> None:
    """Move the clock BY a duration: 90s, 15m, 24h, 2d; -1h turns it back."""
    members: dict[str, object] = {"advance_seconds": by}
    _move(members | ({"frozen": True} if freeze else {}), url, output_format)


@clock.command(name="set")
@click.argument("moment")
@click.option("--freeze", is_flag=True, help="And let it stand there.")
@url_option
@format_option
def set_(moment: str, freeze: bool, url: str, output_format: OutputFormat) -> None:
    """Set the clock to MOMENT, ISO 8601 with a zone: 2027-01-01T00:00:00+03:00."""
    members: dict[str, object] = {"now": moment}
    _move(members | ({"frozen": True} if freeze else {}), url, output_format)


@clock.command()
@url_option
@format_option
def freeze(url: str, output_format: OutputFormat) -> None:
    """Let the clock stand still."""
    _move({"frozen": True}, url, output_format)


@clock.command()
@url_option
@format_option
def unfreeze(url: str, output_format: OutputFormat) -> None:
    """Let the clock go on from where it stands."""
    _move({"frozen": False}, url, output_format)


@clock.command()
@click.argument("times", type=float)
@url_option
@format_option
def speed(times: float, url: str, output_format: OutputFormat) -> None:
    """Let the clock run so many TIMES as fast: with 3600 an hour passes in a second."""
    _move({"speed": times}, url, output_format)


@clock.command(name="reset")
@url_option
@format_option
def reset_clock(url: str, output_format: OutputFormat) -> None:
    """Let the clock run true again."""
    _move({"reset": True}, url, output_format)


@click.command()
@click.option("--list", "listing", is_flag=True, help="Say which are kept instead of taking one.")
@click.option("--drop", type=int, metavar="ID", help="Let one go instead of taking one.")
@url_option
@format_option
def snapshot(listing: bool, drop: int | None, url: str, output_format: OutputFormat) -> None:
    """Keep the whole state of a running simulator, its faults and its time included; print the snapshot's ID."""
    if listing or drop is not None:
        found = manage(url, "GET", "/snapshots") if drop is None else manage(url, "DELETE", f"/snapshots/{drop}")
        for each in found["snapshots"]:
            emit(each) if output_format == "json" else say(f"{each['id']:>4}  {each['taken_at']}")
        return
    taken = manage(url, "POST", "/snapshot")
    emit(taken) if output_format == "json" else say(str(taken["id"]))


@click.command()
@click.argument("snapshot_id", type=int, metavar="ID")
@url_option
@format_option
def restore(snapshot_id: int, url: str, output_format: OutputFormat) -> None:
    """Take a running simulator back to the snapshot ID; its clock goes on from that moment."""
    _tell(manage(url, "POST", "/restore", {"id": snapshot_id}), output_format)


@click.command()
@url_option
@format_option
def reset(url: str, output_format: OutputFormat) -> None:
    """Give a running simulator a fresh start: nothing is left but the authority's keys and the snapshots."""
    _tell(manage(url, "POST", "/reset"), output_format)


def _move(members: dict[str, object], url: str, output_format: OutputFormat) -> None:
    _tell(manage(url, "POST", "/clock", members), output_format)


def _tell(found: dict[str, object], output_format: OutputFormat) -> None:
    if output_format == "json":
        emit(found)
        return
    pace = (
        "" if found["speed"] == 1 else ", standing still" if found["frozen"] else f", {found['speed']:g} times as fast"
    )
    say(f"simulator's time: {found['now']} ({found['shift_seconds']:+} s{pace})")
