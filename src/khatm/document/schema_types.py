"""The simple types that a UBL invoice uses: which texts each allows.

A check returns None for an allowed text, else the sentence of XML Schema's rule that it breaks, in the wording that
the authority's validator sends. Source: XML Schema 1.0 part 2; the document standard, section 16.
"""

import re
from collections.abc import Callable
from functools import cache

SimpleCheck = Callable[[str], str | None]

_BLANKS = re.compile(r"[\t\n\r ]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\Z")
_INTEGER = re.compile(r"[+-]?[0-9]+\Z")
_LANGUAGE = re.compile(r"[a-zA-Z]{1,8}(?:-[a-zA-Z0-9]{1,8})*\Z")
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))?"
_DAY = r"(-?(?:[1-9][0-9]{3,}|0[0-9]{3}))-([0-9]{2})-([0-9]{2})"
_CLOCK = r"(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?|24:00:00(?:\.0+)?)"
_DATE = re.compile(_DAY + _ZONE + r"\Z")
_TIME = re.compile(_CLOCK + _ZONE + r"\Z")
_DATE_TIME = re.compile(_DAY + "T" + _CLOCK + _ZONE + r"\Z")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*(?:[AEIMQUYcgkosw048]=|[AQgw]==)?\Z")  # and a length that is a multiple of four
_NAME_START = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_ASCII_NAME = re.compile(r"[A-Za-z_][-.0-9A-Za-z_]*\Z")
_URI = re.compile(
    # A scheme needs a letter first; percent signs need two hexadecimal digits; one fragment at most.
    r"(?:[A-Za-z][A-Za-z0-9+.-]*:(?=[^#])|(?=[^:]*(?:[/?#]|\Z)))[^%#]*(?:%[0-9A-Fa-f]{2}[^%#]*)*"
    r"(?:#[^%#]*(?:%[0-9A-Fa-f]{2}[^%#]*)*)?\Z"
)
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def collapse(text: str) -> str:
    """Trim the text and make each run of white space one blank, as most simple types do before they look."""
    return _BLANKS.sub(" ", text).strip(" ")


def _invalid(text: str, type_name: str) -> str:
    return f"cvc-datatype-valid.1.2.1: '{collapse(text)}' is not a valid value for '{type_name}'."


def anything(text: str) -> str | None:
    """Allow any text."""
    return None


def _by_pattern(pattern: re.Pattern[str], type_name: str) -> SimpleCheck:
    match = pattern.match

    def check(text: str) -> str | None:
        # Most texts carry no white space: try them as they are before collapsing.
        return None if match(text) or match(collapse(text)) else _invalid(text, type_name)

    return check


@cache
def _any_name() -> re.Pattern[str]:
    """Names in any script; compiling these ranges costs more than a whole document's check, so only when needed."""
    return re.compile(f"[{_NAME_START}][-.0-9\u00b7\u0300-\u036f\u203f-\u2040{_NAME_START}]*\\Z")


def _identifier(text: str) -> str | None:
    if _ASCII_NAME.match(text) or _any_name().match(collapse(text)):
        return None
    return _invalid(text, "NCName")


def _boolean(text: str) -> str | None:
    return None if text in _BOOLEANS or collapse(text) in _BOOLEANS else _invalid(text, "boolean")


_BOOLEANS = frozenset(("true", "false", "1", "0"))


def _base64(text: str) -> str | None:
    # The type allows white space anywhere, so only what is left without it counts.
    return None if _is_base64(text) or _is_base64(_BLANKS.sub("", text)) else _invalid(text, "base64Binary")


def _is_base64(text: str) -> bool:
    return len(text) % 4 == 0 and _BASE64.match(text) is not None


def _with_day(pattern: re.Pattern[str], type_name: str) -> SimpleCheck:
    def check(text: str) -> str | None:
        match = pattern.match(text) or pattern.match(collapse(text))
        if match is None:
            return _invalid(text, type_name)
        # A year may have any number of digits; its last four tell whether it is a leap year.
        year, month, day = int(match[1][-4:]), int(match[2]), int(match[3])
        if match[1].lstrip("-") == "0000" or not 1 <= month <= 12:
            return _invalid(text, type_name)
        leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        return None if 1 <= day <= _DAYS[month - 1] + leap else _invalid(text, type_name)

    return check


def _language(text: str) -> str | None:
    if _LANGUAGE.match(text) or _LANGUAGE.match(collapse(text)):
        return None
    return (
        f"cvc-pattern-valid: Value '{collapse(text)}' is not facet-valid with respect to pattern "
        "'([a-zA-Z]{1,8})(-[a-zA-Z0-9]{1,8})*' for type 'language'."
    )


BUILTIN: dict[str, SimpleCheck] = {
    "string": anything,
    "normalizedString": anything,
    "anyType": anything,
    "decimal": _by_pattern(_DECIMAL, "decimal"),
    "integer": _by_pattern(_INTEGER, "integer"),
    "boolean": _boolean,
    "date": _with_day(_DATE, "date"),
    "time": _by_pattern(_TIME, "time"),
    "dateTime": _with_day(_DATE_TIME, "dateTime"),
    "base64Binary": _base64,
    "anyURI": _by_pattern(_URI, "anyURI"),
    "language": _language,
    "ID": _identifier,
}
"""Checks by the name of the XML Schema type. `integer` has no size limit here: certificate serials have 45 digits."""


def enumerated(base: SimpleCheck, values: tuple[str, ...]) -> SimpleCheck:
    """Return a check that also wants the text to be one of the values."""

    def check(text: str) -> str | None:
        fault = base(text)
        if fault is not None or text in values:
            return fault
        return (
            f"cvc-enumeration-valid: Value '{text}' is not facet-valid with respect to enumeration "
            f"'[{', '.join(values)}]'. It must be a value from the enumeration."
        )

    return check
