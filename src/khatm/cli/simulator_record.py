"""`khatm simulator exchanges|exchange`: what was said to a running simulator, live, in full, or as a file."""

from pathlib import Path
from typing import Any

import click

from khatm.cli.output import OutputFormat, emit, format_option, progress, say
from khatm.cli.simulator_call import download, manage, url_option

_WAIT = 30
"""Seconds that the simulator holds a question back while nothing comes."""
_MOST_AT_ONCE = 1000
_CODES = 3
"""How many codes of an answer a line shows."""


@click.command()
@click.option("--environment", help="sandbox, simulation, production; several with commas.")
@click.option("--endpoint", help="Only calls of this endpoint; several with commas.")
@click.option("--status", help="Only answers of this status: 409, 4xx; several with commas.")
@click.option("--verdict", help="Only these: accepted, rejected, duplicate, refused, …; several with commas.")
@click.option("--vat-number", help="Only calls of this taxpayer.")
@click.option("--limit", type=click.IntRange(0), default=20, show_default=True, help="The latest so many.")
@click.option("--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write a .har or .jsonl file instead; all without --limit."
)
@click.option("--reveal", is_flag=True, help="With secrets.")
@url_option
@format_option
@click.pass_context
def exchanges(
    context: click.Context,
    /,
    limit: int,
    follow: bool,
    out: Path | None,
    reveal: bool,
    url: str,
    output_format: OutputFormat,
    **filters: str | None,
) -> None:
    """List the exchanges that a running simulator has on record, oldest first."""
    query: dict[str, object] = {name: value for name, value in filters.items() if value is not None}
    if reveal:
        query["reveal"] = "true"
    if out is not None:
        by_default = context.get_parameter_source("limit") is click.core.ParameterSource.DEFAULT
        _save(url, out, query if by_default else {**query, "limit": limit})
        return
    query["view"] = "full" if output_format == "json" else "summary"
    found = manage(url, "GET", "/exchanges", query={**query, "limit": limit})
    _show(found["exchanges"], output_format)
    while follow:
        more = {"since": found["last"], "wait": _WAIT, "limit": _MOST_AT_ONCE}
        found = manage(url, "GET", "/exchanges", query={**query, **more})
        _show(found["exchanges"], output_format)


@click.command()
@click.argument("number", type=int)
@click.option("--reveal", is_flag=True, help="With secrets.")
@click.option("--language", type=click.Choice(["en", "ar"]), default="en", show_default=True)
@url_option
@format_option
def exchange(number: int, reveal: bool, language: str, url: str, output_format: OutputFormat) -> None:
    """Tell everything about exchange NUMBER: what was sent and answered, why, and how to send it again."""
    query = {"reveal": "true"} if reveal else {}
    found = manage(url, "GET", f"/exchanges/{number}", query=query)
    if output_format == "json":
        emit(found)
        return
    say(_line(found))
    why = found["why"]
    if why["text"]:
        say(f"  {why['text'][language]}")
    for each in why["messages"]:
        say(f"  {each['severity']} {each['code']}: {each['message']}")
        if each["why"]:
            say(f"    {each['why'][language]}")
            say(f"    {each['fix'][language]}")
    for name in ("request", "response"):
        if found[name] is not None:
            say(f"{name}:")
            for header, value in found[name]["headers"].items():
                say(f"  {header}: {value}")
            say(found[name]["body"])
    say(f"again: {found['curl']}")


def _save(url: str, out: Path, query: dict[str, object]) -> None:
    from khatm.cli.files import write_file

    if out.suffix not in (".har", ".jsonl"):
        raise click.UsageError(f"--out {out}: the name ends in .har or .jsonl, which says what to write")
    # Only the owner may read it: with --reveal there are secrets in it.
    write_file(out, download(url, f"/exchanges{out.suffix}", query), mode=0o600)
    progress(f"written: {out}")


def _show(found: list[dict[str, Any]], output_format: OutputFormat) -> None:
    for each in found:
        emit(each) if output_format == "json" else say(_line(each))


def _line(each: dict[str, Any]) -> str:
    where = f"{each['environment']} {each['endpoint']}" if each["endpoint"] else f"{each['method']} {each['path']}"
    said = f"{each['status'] or '---'} {each['verdict']}"
    more = " ".join(str(code) for code in each["codes"][:_CODES]) or each["cause"] or ""
    fault = f" (fault {each['fault']['id']})" if each["fault"] else ""
    return f"{each['number']:>6}  {each['received_at']}  {where:<28} {said:<27} {more}{fault}".rstrip()
