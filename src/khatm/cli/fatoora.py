"""The `fatoora` command: the SDK's command line without Java. Options are read from a table, in any order.

Source: the stamp standard, sections 1.5 and 13 (option names, default file names, printed lines).
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Final, NoReturn

from khatm import __version__
from khatm.cli.streams import ready_streams
from khatm.errors import KhatmError

# People copy commands out of printed documents, where a hyphen has become a dash.
_PRINTED_DASHES: Final = "‐‑‒–—―−﹣－"
_DASHES: Final = "-" + _PRINTED_DASHES
_CSR: Final = "CsrGenerationService"
_BANNER: Final = (
    f"********** Welcome to ZATCA E-Invoice Java SDK 3.4.8 (Khatm {__version__}) *********************",
    "This is Khatm's fatoora command: the SDK's options and result words, without Java.",
)
_USAGE: Final = """\
fatoora -csr -csrConfig FILE [-privateKey FILE] [-generatedCsr FILE] [-pem] [-sim | -nonprod]
    Make a private key and a certificate signing request.
    -csrConfig FILE      the properties file with the nine csr.* keys (UTF-8)
    -privateKey FILE     where to write the private key (default generated-private-key-yyyyMMddHHmmss.key);
                         a file already there is kept under another name
    -generatedCsr FILE   where to write the CSR (default generated-csr-yyyyMMddHHmmss.csr)
    -pem                 write both as PEM; without it both are base64 on one line
    -sim                 CSR for the simulation environment
    -nonprod             CSR for the sandbox (integration); without -sim and -nonprod it is for production
fatoora -help
    Show this text.
Options may stand in any order and in any letter case."""


@dataclass(eq=False)
class Usage(KhatmError):
    """A command line that cannot be understood; the sentence ends with what is supported."""

    found: str
    found_ar: str

    code: ClassVar[str] = "fatoora-usage"
    en: ClassVar[str] = "{found} Supported: fatoora -csr -csrConfig FILE [options], and fatoora -help."
    ar: ClassVar[str] = "{found_ar} المدعوم: ‎fatoora -csr -csrConfig FILE [options]‎ و ‎fatoora -help‎."


@dataclass(frozen=True, slots=True)
class _Option:
    name: str
    takes_file: bool = False


_OPTIONS: Final = {
    option.name.lower(): option
    for option in (
        _Option("csr"),
        _Option("help"),
        _Option("csrConfig", takes_file=True),
        _Option("privateKey", takes_file=True),
        _Option("generatedCsr", takes_file=True),
        _Option("pem"),
        _Option("sim"),
        _Option("nonprod"),
    )
}


def main() -> NoReturn:
    """Run the command with the process's arguments and end with its exit code."""
    ready_streams()
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    except Exception as error:
        from khatm.cli.crash import report_crash

        code = report_crash(error)
    sys.exit(code)


def run(arguments: Sequence[str], now: Callable[[], datetime] | None = None) -> int:
    """Run one command line (without the program's name); print what the SDK prints and return the exit code."""
    tell = now or _local_time
    try:
        given = read_arguments(arguments)
        if "help" in given or not given:
            print(_USAGE)
            return 0 if given else 2
        _require(given)
    except Usage as error:
        print(f"error: {error.sentence()}\n\n{_USAGE}", file=sys.stderr)
        return error.exit_code
    print("\n".join(_BANNER))
    log = _Log(tell)
    try:
        _csr(given, tell(), log)
    except KhatmError as error:
        for line in _causes(error):
            log.line("ERROR", _CSR, f"failed to generate csr [{line}]")
        return error.exit_code
    return 0


def read_arguments(arguments: Sequence[str]) -> dict[str, str]:
    """Read single-hyphen options in any order and letter case: option name in lower case -> file name, or empty.

    A dash of print counts as a hyphen, and is dropped where it stands before a file name. Raises Usage.
    """
    given: dict[str, str] = {}
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        option = _option(word)
        if option is None:
            if set(word) <= set(_DASHES):  # a dash by itself, as the printed manual has it
                continue
            raise Usage(f"{word!r} is not understood.", f"الخيار {word!r} غير مفهوم.")
        if option.name.lower() in given:
            raise Usage(f"-{option.name} is given twice.", f"الخيار ‎-{option.name}‎ مكرر.")
        given[option.name.lower()] = _file_name(option, waiting) if option.takes_file else ""
    return given


def _option(word: str) -> _Option | None:
    if word[:1] not in _DASHES or not word:
        return None
    return _OPTIONS.get(word.lstrip(_DASHES).lower())


def _file_name(option: _Option, waiting: list[str]) -> str:
    while waiting and set(waiting[0]) <= set(_DASHES):
        waiting.pop(0)
    if not waiting or _option(waiting[0]) is not None:
        raise Usage(f"-{option.name} needs a file name.", f"الخيار ‎-{option.name}‎ يحتاج إلى اسم ملف.")
    word = waiting.pop(0)
    return word if Path(word).exists() else word.lstrip(_PRINTED_DASHES)


def _require(given: Mapping[str, str]) -> None:
    if "csr" not in given:
        raise Usage("No command is given.", "لم يُذكر أي أمر.")
    if "csrconfig" not in given:
        raise Usage("-csr needs -csrConfig FILE.", "الأمر ‎-csr‎ يحتاج إلى ‎-csrConfig FILE‎.")
    if "sim" in given and "nonprod" in given:
        raise Usage("-sim and -nonprod exclude each other.", "لا يجتمع ‎-sim‎ مع ‎-nonprod‎.")


def _csr(given: Mapping[str, str], now: datetime, log: "_Log") -> None:
    """Make the key and the CSR, write both files, and say what the SDK says."""
    from khatm.cli.files import read_file
    from khatm.cli.keyfile import write_key_and_csr
    from khatm.environment import Environment
    from khatm.stamp import keys
    from khatm.stamp.csr import CsrFields, build_csr, lint, read_properties

    fields = CsrFields.from_properties(read_properties(read_file(Path(given["csrconfig"]))))
    environment = Environment.PRODUCTION
    if "sim" in given or "nonprod" in given:
        environment = Environment.SIMULATION if "sim" in given else Environment.SANDBOX
    key = keys.generate_key()
    request = build_csr(fields, environment, key)
    for finding in lint(fields):
        log.line("WARN", _CSR, finding.sentence())
    pem = "pem" in given
    key_path = Path(given.get("privatekey") or f"generated-private-key-{now:%Y%m%d%H%M%S}.key")
    csr_path = Path(given.get("generatedcsr") or f"generated-csr-{now:%Y%m%d%H%M%S}.csr")
    if key_path.absolute() == csr_path.absolute():
        raise Usage("-privateKey and -generatedCsr name the same file.", "اسم ملف المفتاح هو نفسه اسم ملف الطلب.")
    key_text = keys.sec1_pem(key) if pem else keys.sec1_base64(key)
    csr_text = request.pem if pem else request.api_text.encode()
    kept = write_key_and_csr(key_path, key_text, csr_path, csr_text, now=now)
    if kept is not None:
        log.line("WARN", _CSR, f"the private key that was in {key_path} is kept as {kept}")
    log.line("INFO", _CSR, "csr and private key have been generated successfully. ")


def _causes(error: KhatmError) -> list[str]:
    """Return one line per cause: the findings of the CSR linter one by one, else the error's sentence."""
    findings = error.facts().get("findings")
    return [str(each) for each in findings] if isinstance(findings, list) else [error.sentence()]


class _Log:
    """Log lines in the SDK's form: local time with milliseconds, level, class, text."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def line(self, level: str, source: str, text: str) -> None:
        """Print one line."""
        moment = self._now()
        print(f"{moment:%Y-%m-%d %H:%M:%S},{moment.microsecond // 1000:03d} [{level}] {source} - {text}")


def _local_time() -> datetime:
    """Return the machine's local time, which the SDK's names and log lines carry."""
    return datetime.now().astimezone()
