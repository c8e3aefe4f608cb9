"""The words of the pages: every key in English and in Arabic, in the files of `texts`, one file per group of pages."""

import json
from functools import cache
from importlib.resources import files
from typing import Final

from markupsafe import Markup, escape

from khatm.errors import Language

FILES: Final = ("frame", "taxpayer", "developer", "bench", "grade")


@cache
def texts() -> dict[str, dict[Language, str]]:
    """Return every key with its two texts; `{name}` in a text is replaced by a value of that name."""
    found: dict[str, dict[Language, str]] = {}
    for name in FILES:
        text = files(__package__).joinpath("texts", f"{name}.json").read_text(encoding="utf-8")
        found |= json.loads(text)
    return found


def text(key: str, language: Language, **values: object) -> Markup:
    """Return a text as markup, its values escaped. Raises KeyError for a key that there is none of."""
    found = escape(texts()[key][language])
    return found.format(**values) if values else found
