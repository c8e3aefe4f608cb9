r"""The character classes of XPath regular expressions: `\d \w \s \i \c`, general categories and blocks."""

from collections.abc import Callable
from typing import Final
from unicodedata import category

from khatm.rules.patterns import is_digit, is_word

Takes = Callable[[str], bool]
"""Tells whether one character is in the class."""

_CATEGORIES: Final = frozenset(
    [*"LMNPZSC", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf",
     "Po", "Zs", "Zl", "Zp", "Sm", "Sc", "Sk", "So", "Cc", "Cf", "Co", "Cn"]
)  # fmt: skip

_BLOCKS: Final = {
    "BasicLatin": (0x0000, 0x007F), "Latin-1Supplement": (0x0080, 0x00FF), "LatinExtended-A": (0x0100, 0x017F),
    "LatinExtended-B": (0x0180, 0x024F), "IPAExtensions": (0x0250, 0x02AF), "SpacingModifierLetters": (0x02B0, 0x02FF),
    "CombiningDiacriticalMarks": (0x0300, 0x036F), "Greek": (0x0370, 0x03FF), "GreekandCoptic": (0x0370, 0x03FF),
    "Cyrillic": (0x0400, 0x04FF), "Armenian": (0x0530, 0x058F), "Hebrew": (0x0590, 0x05FF), "Arabic": (0x0600, 0x06FF),
    "Syriac": (0x0700, 0x074F), "ArabicSupplement": (0x0750, 0x077F), "Thaana": (0x0780, 0x07BF),
    "Devanagari": (0x0900, 0x097F), "Bengali": (0x0980, 0x09FF), "Gurmukhi": (0x0A00, 0x0A7F),
    "Gujarati": (0x0A80, 0x0AFF), "Oriya": (0x0B00, 0x0B7F), "Tamil": (0x0B80, 0x0BFF), "Telugu": (0x0C00, 0x0C7F),
    "Kannada": (0x0C80, 0x0CFF), "Malayalam": (0x0D00, 0x0D7F), "Sinhala": (0x0D80, 0x0DFF), "Thai": (0x0E00, 0x0E7F),
    "Lao": (0x0E80, 0x0EFF), "Tibetan": (0x0F00, 0x0FFF), "Myanmar": (0x1000, 0x109F), "Georgian": (0x10A0, 0x10FF),
    "HangulJamo": (0x1100, 0x11FF), "Ethiopic": (0x1200, 0x137F), "Cherokee": (0x13A0, 0x13FF),
    "Khmer": (0x1780, 0x17FF), "Mongolian": (0x1800, 0x18AF), "LatinExtendedAdditional": (0x1E00, 0x1EFF),
    "GreekExtended": (0x1F00, 0x1FFF), "GeneralPunctuation": (0x2000, 0x206F),
    "SuperscriptsandSubscripts": (0x2070, 0x209F), "CurrencySymbols": (0x20A0, 0x20CF),
    "LetterlikeSymbols": (0x2100, 0x214F), "NumberForms": (0x2150, 0x218F), "Arrows": (0x2190, 0x21FF),
    "MathematicalOperators": (0x2200, 0x22FF), "MiscellaneousTechnical": (0x2300, 0x23FF),
    "EnclosedAlphanumerics": (0x2460, 0x24FF), "BoxDrawing": (0x2500, 0x257F), "BlockElements": (0x2580, 0x259F),
    "GeometricShapes": (0x25A0, 0x25FF), "MiscellaneousSymbols": (0x2600, 0x26FF), "Dingbats": (0x2700, 0x27BF),
    "CJKSymbolsandPunctuation": (0x3000, 0x303F), "Hiragana": (0x3040, 0x309F), "Katakana": (0x30A0, 0x30FF),
    "Bopomofo": (0x3100, 0x312F), "CJKUnifiedIdeographs": (0x4E00, 0x9FFF), "HangulSyllables": (0xAC00, 0xD7AF),
    "PrivateUse": (0xE000, 0xF8FF), "PrivateUseArea": (0xE000, 0xF8FF), "AlphabeticPresentationForms": (0xFB00, 0xFB4F),
    "ArabicPresentationForms-A": (0xFB50, 0xFDFF), "CombiningHalfMarks": (0xFE20, 0xFE2F),
    "CJKCompatibilityForms": (0xFE30, 0xFE4F), "SmallFormVariants": (0xFE50, 0xFE6F),
    "ArabicPresentationForms-B": (0xFE70, 0xFEFF), "HalfwidthandFullwidthForms": (0xFF00, 0xFFEF),
}  # fmt: skip
"""The blocks of the Basic Multilingual Plane that hold letters, digits and signs in use."""

_NAME_STARTS: Final = (
    (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x2FF), (0x370, 0x37D), (0x37F, 0x1FFF), (0x200C, 0x200D), (0x2070, 0x218F),
    (0x2C00, 0x2FEF), (0x3001, 0xD7FF), (0xF900, 0xFDCF), (0xFDF0, 0xFFFD), (0x10000, 0xEFFFF),
)  # fmt: skip


def one_of(characters: str) -> Takes:
    """Return the class of the given characters."""
    return lambda found: found in characters


def single_escape(name: str) -> Takes | None:
    """Return what a backslash and one character stand for: a line end, a tab or the character itself."""
    if name in ("n", "r", "t"):
        return one_of({"n": "\n", "r": "\r", "t": "\t"}[name])
    return one_of(name) if name and name in "\\|.?*+(){}-[]^$" else None


def escaped_class(name: str) -> Takes | None:
    """Return the class of a multi-character escape, None for another letter."""
    takes = _ESCAPES.get(name.lower())
    if takes is None or not name.isupper():
        return takes
    return lambda found: not takes(found)


def category_or_block(name: str) -> Takes | None:
    r"""Return the class that `\p{name}` stands for, None for an unknown one."""
    if name in _CATEGORIES:
        return lambda found: category(found).startswith(name)
    block = _BLOCKS.get(name.removeprefix("Is")) if name.startswith("Is") else None
    if block is None:
        return None
    first, last = block
    return lambda found: first <= ord(found) <= last


def _is_space(found: str) -> bool:
    return found in " \t\n\r"


def _is_name_start(found: str) -> bool:
    if found.isascii():
        return found.isalpha() or found in "_:"
    return any(first <= ord(found) <= last for first, last in _NAME_STARTS)


def _is_name_character(found: str) -> bool:
    if _is_name_start(found) or found in "-.\xb7" or (found.isascii() and found.isdigit()):
        return True
    return 0x300 <= ord(found) <= 0x36F or 0x203F <= ord(found) <= 0x2040


_ESCAPES: Final[dict[str, Takes]] = {
    "d": is_digit, "w": is_word, "s": _is_space, "i": _is_name_start, "c": _is_name_character,
}  # fmt: skip
