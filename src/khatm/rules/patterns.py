"""Texts as XPath sees them: white space, digits and word characters, and document text used as a pattern."""

import re
from unicodedata import category

_blanks = re.compile("[ \t\n\r]+")


def norm(text: str) -> str:
    """Trim, and collapse runs of blank, tab, CR and LF (only these four) to one blank."""
    if text.isalnum() or (" " not in text and "\n" not in text and "\t" not in text and "\r" not in text):
        return text
    return _blanks.sub(" ", text).strip(" ")


def is_digit(character: str) -> bool:
    r"""Tell whether XPath's \d takes the character: general category Nd, which is what str.isdecimal() tests."""
    return character.isdecimal()


def is_word(character: str) -> bool:
    r"""Tell whether XPath's \w takes the character: all but punctuation, separators and others (P, Z, C)."""
    return category(character)[0] not in "PZC"


def all_digits(text: str) -> bool:
    """Tell whether the text is not empty and consists of decimal digits of any script."""
    return text.isdecimal()
