"""The text forms that keys, certificates and CSRs travel in: PEM, plain base64, base64 of base64, DER.

Source: the stamp standard, sections 1.1, 1.5 and 2.3.
"""

import base64
import binascii
import re
from collections.abc import Iterator

_SEQUENCE = 0x30
_BOM = b"\xef\xbb\xbf"
_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 #]+)-----")
_END = re.compile(rb"-----END [A-Z0-9 #]+-----")
_MAX_BYTES = 1 << 17  # a certificate has two to three thousand; what is a hundred times as long is an attack
_MAX_LAYERS = 4  # PEM in base64 in base64 is the deepest form seen


class NoDer(ValueError):
    """Bytes that hold no DER in any of the known text forms."""


def der_blocks(data: bytes | str) -> list[tuple[str, bytes]]:
    """Unwrap bytes or text down to DER and return `(PEM label, DER)` pairs; the label is empty without PEM.

    A byte order mark, CRLF, line breaks and blanks inside base64 are dropped; layers of base64 are decoded one by one.
    Raises NoDer saying what was found instead.
    """
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else bytes(data)
    if len(raw) > _MAX_BYTES:
        raise NoDer(f"{len(raw)} bytes are far too many")
    for _ in range(_MAX_LAYERS):
        if raw[:1] == b"\x30" and not _is_base64(raw):
            return [("", raw)]
        raw = raw.removeprefix(_BOM).strip()
        if not raw:
            raise NoDer("it is empty")
        if b"-----BEGIN" in raw:
            blocks = [(label, _decode(_without_headers(body))) for label, body in _armored(raw)]
            if not blocks:
                raise NoDer("a PEM header without its footer")
            return blocks
        raw = _decode(raw)
    raise NoDer("too many layers of base64")


def pem(label: str, der: bytes) -> bytes:
    """Write DER as PEM: 64 characters a line, LF, a final line feed."""
    body = base64.b64encode(der)
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return b"\n".join([b"-----BEGIN %s-----" % label.encode(), *lines, b"-----END %s-----" % label.encode(), b""])


def _armored(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the label and body of each block; a header without a footer behind it ends the search."""
    begin = _BEGIN.search(raw)
    while begin is not None:
        end = _END.search(raw, begin.end())
        if end is None:
            return
        yield begin[1].decode(), raw[begin.end() : end.start()]
        begin = _BEGIN.search(raw, end.end())


def _is_base64(raw: bytes) -> bool:
    """Tell base64 text that happens to begin with the digit 0 from DER, whose first octet is the same."""
    return re.fullmatch(rb"[A-Za-z0-9+/=\s]+", raw) is not None


def _without_headers(block: bytes) -> bytes:
    return b"\n".join(line for line in block.splitlines() if b":" not in line)  # such as Proc-Type


def _decode(text: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        raise NoDer("neither PEM, nor base64, nor DER") from None
