"""A run of `fatoora` over one invoice or many: what is to be done, where the files go, in how many processes."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from khatm.cli.fatoora_arguments import HASH, QR, REQUEST, SIGN, VALIDATE, Arguments, Usage
from khatm.cli.fatoora_invoices import Invoice, Result, Work, process, refused
from khatm.cli.fatoora_settings import Settings
from khatm.cli.fatoora_words import INFO, Line
from khatm.cli.files import make_folder, refuse_overwriting, xml_files
from khatm.cli.processes import processes_for, spread
from khatm.errors import KhatmError
from khatm.memory import uncollected
from khatm.stamp import curve

_DONE_BY_SIGNING: Final = frozenset({HASH, QR})
"""-sign prints the hash and puts the QR code into the document; so it is with the SDK."""


class Printer(Protocol):
    """Prints results as a log or as JSON."""

    def note(self, lines: Sequence[Line]) -> None:
        """Print lines about the run itself."""
        ...

    def print(self, result: Result, heading: str = "") -> None:
        """Print what became of one invoice, under its name if there are several."""
        ...


def run_invoices(arguments: Arguments, now: datetime, printer: Printer) -> int:
    """Do the commands with every invoice and return the highest exit code; what concerns all ends the run first."""
    one_file = len(arguments.invoices) == 1 and not Path(arguments.invoices[0]).is_dir()
    with uncollected() if one_file else nullcontext():  # what is loaded for it stays to the end
        return _run(arguments, now, printer)


def _run(arguments: Arguments, now: datetime, printer: Printer) -> int:
    settings = Settings(arguments.given)
    command = arguments.commands[0]
    try:
        files, unlisted = _files(arguments.invoices, command)
        if len(files) == 1:
            curve.start_quickly()
        work = _work(arguments, settings)
        invoices = _places(arguments, files, now)
        wanted = settings.jobs() if len(files) > 1 or "jobs" in arguments else 1
    except KhatmError as error:
        printer.note([Line(INFO, "Configuration", text) for text in settings.told])
        result = Result()
        refused(command, None, error, result)
        printer.print(result)
        return result.exit_code
    printer.note([Line(INFO, "Configuration", text) for text in settings.told])
    results = spread(partial(process, work), invoices, wanted or processes_for(files))
    if len(invoices) + len(unlisted) == 1:
        for result in (*unlisted, *results):
            printer.print(result)
            return result.exit_code
    return _print_many(unlisted, files, results, printer)


def _print_many(unlisted: Sequence[Result], files: Sequence[Path], results: Iterator[Result], printer: Printer) -> int:
    from khatm.cli.bar import Bar

    codes = []
    bar = Bar(len(files))
    for result in unlisted:
        printer.print(result)
        codes.append(result.exit_code)
    for file, result in zip(files, results, strict=True):
        bar.clear()
        printer.print(result, str(file))
        codes.append(result.exit_code)
        bar.advance()
    bar.clear()
    failed = sum(code != 0 for code in codes)
    printer.note([Line(INFO, "Invoices", f"{len(codes)} invoices: {len(codes) - failed} passed, {failed} failed")])
    return max(codes)


def _files(names: Sequence[str], command: str) -> tuple[list[Path], list[Result]]:
    """Return the files that the names stand for, and a result for each folder that has none."""
    files: list[Path] = []
    unlisted = []
    for name in names:
        try:
            files += xml_files(Path(name))
        except KhatmError as error:
            result = Result()
            refused(command, Path(name), error, result)
            unlisted.append(result)
    return files, unlisted


def _work(arguments: Arguments, settings: Settings) -> Work:
    """Read what all invoices need; a wrong key or certificate ends the run before the first of them."""
    commands = tuple(each for each in arguments.commands if SIGN not in arguments or each not in _DONE_BY_SIGNING)
    at = _moment(arguments.get("at"))
    work = Work(commands)
    if SIGN in arguments:
        from khatm.cli import signing

        foreign, utc = "foreign-certificate" in arguments, "allow-utc" in arguments
        work.stamping = signing.Task(settings.file("cert"), settings.file("key"), foreign, utc, at=at)
        signing.stamper(work.stamping)
    if VALIDATE in arguments:
        from khatm.cli import validating
        from khatm.rules.edition import DEFAULT, Edition
        from khatm.rules.validation import MAX_BYTES

        work.judging = validating.Task(
            edition=Edition.named(settings.find("edition") or DEFAULT.value).value,
            compare=None,
            at=arguments.get("at"),
            previous_hash=settings.previous_hash(),
            max_bytes=MAX_BYTES,
            advice=False,
            brief=True,
            reference=settings.file("cert") if "against-cert" in arguments else None,
        )
    return work


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    from khatm.cli.validating import moment
    from khatm.clock import saudi_time

    found = moment(text)
    try:
        if found is not None:
            return saudi_time(found)
    except OverflowError:
        pass
    raise Usage(
        f"--at {text}: an ISO 8601 time with a zone is needed, such as 2026-03-01T12:00:00+03:00.",
        f"الخيار ‎--at {text}‎: يلزم وقت بصيغة ISO 8601 مع المنطقة مثل 2026-03-01T12:00:00+03:00.",
    )


def _places(arguments: Arguments, files: Sequence[Path], now: datetime) -> list[Invoice]:
    """Say where each invoice's files go. Raises Usage, WouldOverwrite, FileUnwritable."""
    for name in ("signedInvoice", "apiRequest"):
        if len(files) != 1 and name.lower() in arguments:
            raise Usage(
                f"-{name} is for one invoice, and {len(files)} are given; use --out-dir.",
                f"الخيار ‎-{name}‎ لفاتورة واحدة وقد ذُكرت {len(files)}؛ استعمل ‎--out-dir‎.",
            )
    folder = Path(arguments.get("out-dir") or ".")
    if "out-dir" in arguments:
        make_folder(folder)
    # One request gets the SDK's name with the time in it, which many in one second could not share.
    fresh = len(files) == 1 and "out-dir" not in arguments and "apirequest" not in arguments
    places = []
    for file in files:
        request = f"generated-json-request-{now:%Y%m%d%H%M%S}.json" if fresh else f"{file.stem}_request.json"
        signed = Path(arguments.get("signedinvoice") or folder / f"{file.stem}_signed.xml")
        places.append(Invoice(file, signed, Path(arguments.get("apirequest") or folder / request), fresh))
    targets = [(each.source, each.signed) for each in places if SIGN in arguments]
    targets += [(each.source, each.request) for each in places if REQUEST in arguments]
    refuse_overwriting(targets)
    return places
