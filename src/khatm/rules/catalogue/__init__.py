"""What every code means: why it appears and what to do about it, in English and in Arabic.

The sentences are ours and describe the rules as they are executed. `ksa.json` and `en16931.json` hold the rules of the
two stylesheets, `own.json` the codes of this product's rules, `advice.json` those of its advice, `structure.json` those
of unreadable XML and of the schema, `checks.json` the names of the stamp's verification, `gateway.json` the codes of
the gateway, the onboarding calls and the SDK, `terms.json` the data dictionary. A file is read when a code first needs
it.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypedDict

from khatm.errors import Language

__all__ = ["Entry", "Kind", "TermFacts", "Text", "codes", "explain", "explain_all"]

_FOLDER: Final = Path(__file__).parent
Kind = Literal["rule", "advice", "structure", "check", "gateway", "term", "doctor"]
"""`doctor` is a cause of the stamp doctor; its table makes those entries, no file here does."""

_FILES: Final[tuple[tuple[str, Kind], ...]] = (
    ("ksa.json", "rule"),
    ("en16931.json", "rule"),
    ("own.json", "rule"),
    ("advice.json", "advice"),
    ("structure.json", "structure"),
    ("checks.json", "check"),
    ("gateway.json", "gateway"),
    ("terms.json", "term"),
)


class Text(NamedTuple):
    """The explanation in one language. A term has its name as title, its meaning as why, and nothing to fix.

    A cause of the doctor has no title.
    """

    title: str
    why: str
    fix: str


class TermFacts(NamedTuple):
    """Where a term of the data dictionary stands and what it may hold. Source: the document standard's field table.

    `status` maps `standard_invoice`, `standard_note`, `simplified_invoice` and `simplified_note` to M (mandatory),
    C (conditional), O (optional) or - (not used). `max_length` counts characters in the default edition. `allowed`
    says in each language which values are allowed. `written_only` are rules that the standard prints and no
    stylesheet executes.
    """

    xpath: str
    cardinality: str
    datatype: str
    status: dict[str, str]
    max_length: int | None
    allowed: dict[Language, str]
    rules: tuple[str, ...]
    written_only: tuple[str, ...]


class Entry(NamedTuple):
    """One code: `fields` are the terms, CSR keys, headers or body members to look at; `term` is set for terms only.

    What breaks the structure can be any element, so those entries have no fields.
    """

    code: str
    kind: Kind
    fields: tuple[str, ...]
    en: Text
    ar: Text
    example: str | None = None
    term: TermFacts | None = None

    def text(self, language: Language) -> Text:
        """Return the explanation in the given language."""
        return self.ar if language == "ar" else self.en


class _Words(TypedDict, total=False):
    title: str
    why: str
    fix: str
    name: str
    meaning: str


class _Record(TypedDict, total=False):
    fields: list[str]
    en: _Words
    ar: _Words
    example: str
    xpath: str
    cardinality: str
    datatype: str
    status: dict[str, str]
    max_length: int
    allowed: dict[Language, str]
    rules: list[str]
    written_only: list[str]


def explain(code: str, kind: Kind | None = None) -> Entry | None:
    """Return the entry of a code, or None; letter case and outer blanks do not matter.

    A code that is also a term (KSA-13) gives the code; ask with `kind` for the other, or `explain_all` for both.
    """
    return next(_entries(code, kind), None)


def explain_all(code: str) -> tuple[Entry, ...]:
    """Return every entry of a code: none, one, or two where a code of the gateway is also a term."""
    return tuple(_entries(code, None))


def codes(kind: Kind | None = None) -> list[str]:
    """Return all codes, or those of one kind, as they are written, in order and each once."""
    found = {code for name, held in _FILES if kind in (None, held) for code, _ in _records_of(name).values()}
    return sorted(found, key=lambda code: (code.casefold(), code))


def _entries(code: str, kind: Kind | None) -> Iterator[Entry]:
    key = code.strip().casefold()
    for name, held in _FILES:
        if kind in (None, held) and key in _records_of(name):
            yield _entry(name, held, key)


@cache
def _records_of(name: str) -> dict[str, tuple[str, _Record]]:
    """Read one file into codes and records by casefolded code."""
    records: dict[str, _Record] = json.loads((_FOLDER / name).read_text(encoding="utf-8"))
    return {code.casefold(): (code, record) for code, record in records.items()}


@cache
def _entry(name: str, kind: Kind, key: str) -> Entry:
    code, record = _records_of(name)[key]
    return _term(code, record) if kind == "term" else _code(code, kind, record)


def _code(code: str, kind: Kind, record: _Record) -> Entry:
    en, ar = (Text(words["title"], words["why"], words["fix"]) for words in (record["en"], record["ar"]))
    return Entry(code, kind, tuple(record["fields"]), en, ar, record.get("example"))


def _term(code: str, record: _Record) -> Entry:
    en, ar = (Text(words["name"], words["meaning"], "") for words in (record["en"], record["ar"]))
    facts = TermFacts(
        xpath=record["xpath"],
        cardinality=record["cardinality"],
        datatype=record["datatype"],
        status=record["status"],
        max_length=record.get("max_length"),
        allowed=record.get("allowed", {}),
        rules=tuple(record["rules"]),
        written_only=tuple(record.get("written_only", ())),
    )
    return Entry(code, "term", (code,), en, ar, None, facts)
