"""The table of causes: what each code means and how it is mended, in English and in Arabic.

`causes.json` holds the causes, the ways in which a cause is proven, and the words that the sentences put in.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal, get_args

from khatm.errors import Language
from khatm.rules.catalogue import Entry, Text

Severity = Literal["error", "warning", "note"]
Proof = Literal["reproduced", "verified", "compared", "read", "excluded"]
"""How sure a cause is: a computation gives the value found; a signature verifies; two values were laid side by side;
it stands in the document; or no known mistake gives the value and this is what is left."""

SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "note")


class Word(str):
    """A fact that is a word of the table and not a value of the document; shown in the reader's language."""

    __slots__ = ()


Facts = Mapping[str, str]


def codes() -> tuple[str, ...]:
    """Return the codes of all causes in the order of the table."""
    return tuple(_table()["causes"])


def entry(code: str) -> Entry | None:
    """Return a cause as an entry of the catalogue, or None; letter case and outer blanks do not matter.

    What only a document can tell is an ellipsis.
    """
    name = code.strip().upper()
    if name not in codes():
        return None
    en, ar = (Text("", cause(name, {}, each), fix(name, {}, each)) for each in get_args(Language))
    return Entry(name, "doctor", (), en, ar)


def severity(code: str) -> Severity:
    """Return how grave a cause is: an error fails the document, a warning may, a note does not."""
    found: Severity = _table()["causes"][code]["severity"]
    return found


def cause(code: str, facts: Facts, language: Language) -> str:
    """Return what went wrong."""
    return _sentence(_table()["causes"][code][language]["cause"], facts, language)


def fix(code: str, facts: Facts, language: Language) -> str:
    """Return what to do about it."""
    return _sentence(_table()["causes"][code][language]["fix"], facts, language)


def proof(kind: Proof, facts: Facts, language: Language) -> str:
    """Return how the cause is known."""
    return _sentence(_table()["proofs"][kind][language], facts, language)


def word(name: str, language: Language) -> str:
    """Return a word of the table."""
    found: str = _table()["words"][name][language]
    return found


def spoken(name: str, language: Language) -> str:
    """Return a name in the reader's language where the table has it, else as it is."""
    return str(_table()["words"].get(name, {}).get(language, name))


def _sentence(template: str, facts: Facts, language: Language) -> str:
    told = {name: word(value, language) if isinstance(value, Word) else value for name, value in facts.items()}
    return template.format_map(_Absent(told))


class _Absent(dict[str, str]):
    """Facts of a sentence; what a check could not learn is an ellipsis, never an error."""

    def __missing__(self, name: str) -> str:
        return "…"


@cache
def _table() -> dict[str, Any]:
    text = (files("khatm.doctor") / "causes.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table
