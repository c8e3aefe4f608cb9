"""`khatm correct`: draft the follow-up of a rejected or accepted document."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import click

from khatm.cli.files import require_writable, write_file
from khatm.cli.output import OutputFormat, emit, format_option, progress, say

if TYPE_CHECKING:
    from khatm.submission.correction import Draft, FollowUpKind, Objection


@click.command()
@click.argument("uuid", metavar="DOCUMENT")
@click.option(
    "--as",
    "as_kind",
    type=click.Choice(["invoice", "credit-note", "debit-note"]),
    help="What to draft; an accepted document is changed by a note, a rejected one is issued anew.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Write the draft to this file instead of showing it.")
@click.option("--dismiss", metavar="REASON", help="Draft nothing: the refused document needs no follow-up.")
@format_option
def correct(uuid: str, as_kind: str | None, out: Path | None, dismiss: str | None, output_format: OutputFormat) -> None:
    """Draft the follow-up of the document with the UUID DOCUMENT, with the authority's errors explained.

    The draft is an authoring file to mend and to issue with `khatm issue`; nothing is issued here. A rejected document
    keeps its place in the chain and leaves the list of `khatm status` when its follow-up is issued.
    """
    from khatm.cli.workplace import open_workplace
    from khatm.submission.correction import draft_follow_up

    if dismiss is not None and (as_kind or out):
        raise click.UsageError("--dismiss drafts nothing: leave --as and --out out")
    if out is not None:
        require_writable(out)
    with open_workplace() as workplace:
        if dismiss is not None:
            found = workplace.ledger.document(uuid)
            workplace.ledger.dismiss(found, dismiss)
            _dismissed(uuid, dismiss, output_format)
            return
        kind = cast("FollowUpKind | None", as_kind and as_kind.replace("-", "_"))
        draft = draft_follow_up(workplace.ledger, uuid, kind)
    text = json.dumps(draft.content, ensure_ascii=False, indent=2) + "\n"
    if out is not None:
        write_file(out, text.encode())
    _show(draft, text, out, output_format)


def _show(draft: "Draft", text: str, out: Path | None, output_format: OutputFormat) -> None:
    command = f"khatm issue {out or 'DRAFT.json'} --unit {draft.unit}"
    if output_format == "json":
        emit(
            {
                "ok": True,
                "unit": draft.unit,
                "uuid": draft.document.uuid,
                "icv": draft.document.icv,
                "state": draft.document.state,
                "kind": draft.kind,
                "errors": [_objection(each) for each in draft.objections],
                "left_out": draft.left_out,
                "draft": draft.content,
                "out": out,
                "next": command,
            }
        )
        return
    for each in draft.objections:
        progress(f"{each.code or '-'}: {each.text or '-'}")
        if each.entry is not None:
            for words in (each.entry.en, each.entry.ar):
                progress(f"    {words.title}. {words.why}")
                progress(f"    → {words.fix}")
    if draft.left_out:
        progress(f"left out, to be given anew where needed: {', '.join(draft.left_out)}")
    if out is None:
        say(text, newline=False)
    else:
        say(f"drafted: {out}")
    progress(f"mend it, then: {command}")


def _objection(each: "Objection") -> dict[str, object]:
    record: dict[str, object] = {"code": each.code, "text": each.text}
    languages: tuple[Literal["en", "ar"], ...] = ("en", "ar")
    if each.entry is not None:
        for language in languages:
            words = each.entry.text(language)
            record[language] = {"title": words.title, "why": words.why, "fix": words.fix}
    return record


def _dismissed(uuid: str, reason: str, output_format: OutputFormat) -> None:
    if output_format == "json":
        emit({"ok": True, "uuid": uuid, "dismissed": reason})
    else:
        say(f"{uuid} needs no follow-up: {reason}")
