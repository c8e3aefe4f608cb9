"""The command line of `fatoora`: a table of options, read in any order, letter case and kind of dash.

Source: the stamp standard, sections 1.5 and 13 (option names, default file names, what each command needs).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final, NamedTuple

from khatm.errors import KhatmError

# People copy commands out of printed documents, where a hyphen has become a dash.
_PRINTED_DASHES: Final = "‐‑‒–—―−﹣－"
_DASHES: Final = "-" + _PRINTED_DASHES
USAGE: Final = """\
fatoora -csr -csrConfig FILE [-privateKey FILE] [-generatedCsr FILE] [-pem] [-sim | -nonprod]
    Make a private key and a certificate signing request.
    -csrConfig FILE      the properties file with the nine csr.* keys (UTF-8)
    -privateKey FILE     where to write the private key (default generated-private-key-yyyyMMddHHmmss.key);
                         a file already there is kept under another name
    -generatedCsr FILE   where to write the CSR (default generated-csr-yyyyMMddHHmmss.csr)
    -pem                 write both as PEM; without it both are base64 on one line
    -sim                 CSR for the simulation environment
    -nonprod             CSR for the sandbox (integration); without -sim and -nonprod it is for production
fatoora -sign -invoice FILE [-signedInvoice FILE] [-invoiceRequest [-apiRequest FILE]] [-validate]
    Stamp an invoice with the configured key and certificate (default output: NAME_signed.xml in the working
    directory), and make the request from it and validate it, if asked.
fatoora -invoiceRequest -invoice FILE [-apiRequest FILE]
    Write the body of the gateway's request (default generated-json-request-yyyyMMddHHmmss.json).
fatoora -generateHash -invoice FILE
    Print the invoice hash.
fatoora -qr -invoice FILE
    Print the QR code of a stamped invoice.
fatoora -validate -invoice FILE
    Validate an invoice: XSD, EN, KSA, QR, SIGNATURE, PIH.
fatoora -help
    Show this text.

Options may stand in any order and in any letter case. -invoice takes several files, and folders of .xml files.

More than the SDK has:
    --json               one JSON object a line instead of the log
    --out-dir DIR        where -sign and -invoiceRequest write (NAME_signed.xml, NAME_request.json)
    --jobs N             processes to use (default: one for each core, if there is enough to do)
    --cert FILE, --key FILE, --pih FILE
                         certificate, private key, previous invoice hash
    --config FILE        settings in TOML (default fatoora.toml in the working directory, if there is one)
    --edition E          the rule edition for -validate: 3.4.8 (default) or 3.3.3
    --at TIME            sign or validate as of this instant (ISO 8601 with a zone)
    --allow-utc          -sign: accept issue times ending in Z; the QR code carries Saudi time
    --foreign-certificate
                         -sign: accept a certificate of another key (the sandbox's canned one)
    --against-cert       -validate: compare issuer and serial number with the configured certificate, as the SDK does
Settings come from options, from KHATM_FATOORA_CERT, _KEY, _PIH, _EDITION, _JOBS and _CONFIG, from TOML, and from the
SDK's own Configuration/config.json (SDK_CONFIG or FATOORA_HOME), in this order.

Exit codes: 0 done and valid; 1 the invoice is not valid, or not stamped; 2 usage or unreadable input; 3 undecided;
70 a fault of ours."""

SIGN: Final = "sign"
REQUEST: Final = "invoicerequest"
HASH: Final = "generatehash"
QR: Final = "qr"
VALIDATE: Final = "validate"
CSR: Final = "csr"
HELP: Final = "help"
FAILED: Final = {
    CSR: "failed to generate csr",
    SIGN: "failed to sign invoice",
    REQUEST: "failed to generate invoice request",
    HASH: "failed to generate hash",
    QR: "failed to generate qr",
    VALIDATE: "failed to validate invoice",
}
"""How the SDK begins the line that says why a command failed."""
_FAILED_AR: Final = {
    CSR: "تعذّر إنشاء الطلب",
    SIGN: "تعذّر ختم الفاتورة",
    REQUEST: "تعذّر إنشاء طلب الإرسال",
    HASH: "تعذّر حساب البصمة",
    QR: "تعذّر إنشاء رمز QR",
    VALIDATE: "تعذّر التحقق من الفاتورة",
}
_ALL: Final = frozenset(FAILED)
_ON_INVOICES: Final = _ALL - {CSR}
_WITH_SIGN: Final = _ON_INVOICES - {SIGN}


@dataclass(eq=False)
class Usage(KhatmError):
    """A command line that cannot be understood; the sentence ends with what is supported."""

    found: str
    found_ar: str

    code: ClassVar[str] = "fatoora-usage"
    en: ClassVar[str] = (
        "{found} Supported: fatoora -csr -csrConfig FILE [options]; fatoora -sign | -invoiceRequest | -generateHash | "
        "-qr | -validate with -invoice FILE [options]; fatoora -help."
    )
    ar: ClassVar[str] = (
        "{found_ar} المدعوم: ‎fatoora -csr -csrConfig FILE [options]‎ و ‎fatoora -sign | -invoiceRequest | "
        "-generateHash | -qr | -validate -invoice FILE [options]‎ و ‎fatoora -help‎."
    )


class _Option(NamedTuple):
    name: str
    takes: str = ""
    """What stands behind it: a FILE, a value, or nothing."""
    of: frozenset[str] = _ALL
    """The commands that it belongs to."""
    ours: bool = False
    """Whether the SDK does not have it."""

    @property
    def shown(self) -> str:
        """As the usage text writes it: the SDK's options with one hyphen, ours with two."""
        return f"--{self.name}" if self.ours else f"-{self.name}"


_OPTIONS: Final = {
    option.name.lower(): option
    for option in (
        *(_Option(name) for name in ("csr", "sign", "qr", "generateHash", "validate", "invoiceRequest", "help")),
        _Option("csrConfig", "FILE", frozenset({CSR})),
        _Option("privateKey", "FILE", frozenset({CSR})),
        _Option("generatedCsr", "FILE", frozenset({CSR})),
        _Option("pem", of=frozenset({CSR})),
        _Option("sim"),
        _Option("nonprod"),
        _Option("invoice", "FILE", _ON_INVOICES),
        _Option("signedInvoice", "FILE", frozenset({SIGN})),
        _Option("apiRequest", "FILE", frozenset({REQUEST})),
        _Option("json", ours=True),
        _Option("jobs", "N", _ON_INVOICES, ours=True),
        _Option("out-dir", "DIR", frozenset({SIGN, REQUEST}), ours=True),
        _Option("cert", "FILE", frozenset({SIGN, VALIDATE}), ours=True),
        _Option("key", "FILE", frozenset({SIGN}), ours=True),
        _Option("pih", "FILE", frozenset({VALIDATE}), ours=True),
        _Option("edition", "E", frozenset({VALIDATE}), ours=True),
        _Option("at", "TIME", frozenset({SIGN, VALIDATE}), ours=True),
        _Option("config", "FILE", frozenset({SIGN, VALIDATE}), ours=True),
        _Option("allow-utc", of=frozenset({SIGN}), ours=True),
        _Option("foreign-certificate", of=frozenset({SIGN}), ours=True),
        _Option("against-cert", of=frozenset({VALIDATE}), ours=True),
    )
}
_NAMES: Final = {name: _OPTIONS[name].shown for name in FAILED}


@dataclass(slots=True)
class Arguments:
    """A command line: option in lower case -> what stands behind it (or empty), and the invoices apart."""

    given: dict[str, str] = field(default_factory=dict)
    invoices: list[str] = field(default_factory=list)

    @property
    def commands(self) -> list[str]:
        """The commands given, in the order in which they are done."""
        return [name for name in (CSR, SIGN, REQUEST, HASH, QR, VALIDATE) if name in self.given]

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def get(self, name: str) -> str | None:
        """Return what stands behind an option, None if it is not given."""
        return self.given.get(name)


def read_arguments(words: Sequence[str]) -> Arguments:
    """Read options in any order and letter case, with one hyphen or two.

    A dash of print counts as a hyphen, and is dropped where it stands before a file name. Raises Usage.
    """
    found = Arguments()
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        option = _option(word)
        if option is None:
            if set(word) <= set(_DASHES):  # a dash by itself, as the printed manual has it
                continue
            raise Usage(f"{word!r} is not understood.", f"الخيار {word!r} غير مفهوم.")
        name = option.name.lower()
        if name in found.given and name != "invoice":
            raise Usage(f"{option.shown} is given twice.", f"الخيار ‎{option.shown}‎ مكرر.")
        found.given[name] = _value(option, waiting) if option.takes else ""
        if name == "invoice":
            found.invoices.append(found.given[name])
            while waiting and waiting[0][:1] and (waiting[0][0] not in _DASHES or Path(waiting[0]).exists()):
                found.invoices.append(waiting.pop(0))
    return found


def require(arguments: Arguments) -> None:
    """Check that commands and options go together. Raises Usage."""
    commands = arguments.commands
    if not commands:
        raise Usage("No command is given.", "لم يُذكر أي أمر.")
    _require_together(commands)
    for name in arguments.given:
        option = _OPTIONS[name]
        if not option.of.intersection(commands):
            owners = ", ".join(_NAMES[each] for each in FAILED if each in option.of)
            raise Usage(
                f"{option.shown} belongs to {owners}, not to {_NAMES[commands[0]]}.",
                f"الخيار ‎{option.shown}‎ خاص بـ ‎{owners}‎ وليس بالأمر ‎{_NAMES[commands[0]]}‎.",
            )
    needed = "csrConfig" if CSR in commands else "invoice"
    if not arguments.get(needed.lower()):
        command = commands[0]
        raise Usage(
            f"{FAILED[command]} [Mandatory input '-{needed}' is missing]: {_NAMES[command]} needs -{needed} FILE.",
            f"{_FAILED_AR[command]}: الأمر ‎{_NAMES[command]}‎ يحتاج إلى ‎-{needed} FILE‎.",
        )
    if "sim" in arguments and "nonprod" in arguments:
        raise Usage("-sim and -nonprod exclude each other.", "لا يجتمع ‎-sim‎ مع ‎-nonprod‎.")
    for one in ("signedInvoice", "apiRequest"):
        if one.lower() in arguments and "out-dir" in arguments:
            raise Usage(f"-{one} and --out-dir exclude each other.", f"لا يجتمع ‎-{one}‎ مع ‎--out-dir‎.")


def _require_together(commands: Sequence[str]) -> None:
    """Let one command pass, and those that go on with what -sign has made."""
    first, *others = commands
    wrong = others if first != SIGN else [each for each in others if each not in _WITH_SIGN]
    if wrong:
        raise Usage(
            f"{_NAMES[first]} and {_NAMES[wrong[0]]} are two commands; give one, or -sign with what comes next.",
            f"‎{_NAMES[first]}‎ و ‎{_NAMES[wrong[0]]}‎ أمران؛ اكتب أحدهما، أو ‎-sign‎ مع ما يليه.",
        )


def _option(word: str) -> _Option | None:
    if word[:1] not in _DASHES or not word:
        return None
    return _OPTIONS.get(word.lstrip(_DASHES).lower())


def _value(option: _Option, waiting: list[str]) -> str:
    while waiting and set(waiting[0]) <= set(_DASHES):
        waiting.pop(0)
    what, what_ar = ("a file name", "اسم ملف") if option.takes == "FILE" else (option.takes, option.takes)
    if not waiting or _option(waiting[0]) is not None:
        raise Usage(f"{option.shown} needs {what}.", f"الخيار ‎{option.shown}‎ يحتاج إلى {what_ar}.")
    word = waiting.pop(0)
    return word if Path(word).exists() else word.lstrip(_PRINTED_DASHES)
