"""Java property files, read as UTF-8: the form of the SDK's CSR configuration.

Source: the stamp standard, section 1.2.
"""

import re

from khatm.stamp.errors import PropertiesEncoding, PropertiesEscape

_BOM = b"\xef\xbb\xbf"
_UTF16_STARTS = (b"\xff\xfe", b"\xfe\xff")
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_BLANKS = " \t\f"
_LETTERS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{4}")


def read_properties(data: bytes) -> dict[str, str]:
    r"""Read a property file into a dictionary; values are trimmed and a repeated key overrides.

    `#` and `!` start comments; a key ends at the first unescaped `=`, `:` or blank; `\uXXXX`, `\t`, `\\`, `\=`, `\:`
    and line continuation are honoured; BOM and CRLF are tolerated.
    Raises PropertiesEncoding for text that is not UTF-8, PropertiesEscape for a broken `\u`; both name the line.
    """
    properties: dict[str, str] = {}
    for number, line in _logical_lines(_text(data)):
        key, value = _split(line)
        properties[_unescaped(key, number)] = _unescaped(value, number).strip()
    return properties


def _text(data: bytes) -> str:
    if data.startswith(_UTF16_STARTS):
        raise PropertiesEncoding(1, "UTF-16 text")
    data = data.removeprefix(_BOM)
    at = data.find(b"\x00")
    if at >= 0:
        raise PropertiesEncoding(_line_of(data, at), "zero bytes, as UTF-16 text has them")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PropertiesEncoding(_line_of(data, error.start), f"the byte {data[error.start]:02X}") from None


def _line_of(data: bytes, at: int) -> int:
    before = data[:at]
    return 1 + before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n")


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Join continued lines; comments and blank lines go. The number is that of the first natural line."""
    logical: list[tuple[int, str]] = []
    joined = ""
    begun = 0
    for number, natural in enumerate(_LINE_ENDS.split(text), start=1):
        line = natural.lstrip(_BLANKS)
        if not begun and (not line or line[0] in "#!"):
            continue
        begun = begun or number
        if (len(line) - len(line.rstrip("\\"))) % 2:
            joined += line[:-1]
            continue
        logical.append((begun, joined + line))
        joined, begun = "", 0
    if begun:
        logical.append((begun, joined))
    return logical


def _split(line: str) -> tuple[str, str]:
    end = 0
    while end < len(line) and line[end] not in "=:" + _BLANKS:
        end += 2 if line[end] == "\\" else 1
    key, rest = line[:end], line[end:].lstrip(_BLANKS)
    if rest[:1] in ("=", ":"):
        rest = rest[1:].lstrip(_BLANKS)
    return key, rest


def _unescaped(text: str, line: int) -> str:
    if "\\" not in text:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        letter = text[at]
        if letter != "\\":
            out.append(letter)
            at += 1
        elif text[at + 1 : at + 2] == "u":
            digits = text[at + 2 : at + 6]
            if not _HEXADECIMAL.fullmatch(digits):
                raise PropertiesEscape(line, text[at : at + 6])
            out.append(chr(int(digits, 16)))
            at += 6
        else:
            out.append(_LETTERS.get(text[at + 1 : at + 2], text[at + 1 : at + 2]))
            at += 2
    return _with_pairs_joined("".join(out), line)


def _with_pairs_joined(text: str, line: int) -> str:
    r"""Join the surrogate pairs that two `\u` escapes write for one character beyond the first plane."""
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise PropertiesEscape(line, "half of a surrogate pair") from None
