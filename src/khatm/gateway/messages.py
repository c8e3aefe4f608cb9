"""Reads response bodies: finds the family of a body and what it says, in the documented and in the real shapes.

Reading never fails and never judges: whatever cannot be read is a family of its own, and what an answer means is
decided in `khatm.gateway.outcome`. Source: the gateway contract 4 and 12.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from khatm.gateway.jsontext import JsonValue, NotJson, clean_text, read_json


class BodyFamily(StrEnum):
    """The shape of a response body (the gateway contract 4.1), with four more for what stands outside it."""

    TOKEN = "token"  # noqa: S105 - the name of a family, no password
    RESULT = "result"
    ERRLIST = "errlist"
    FLAT = "flat"
    FLAT3 = "flat3"
    HTTPERR = "httperr"
    SPRING = "spring"
    INFO = "info"
    TEXT = "text"
    HTML = "html"
    JSON = "json"
    """Readable JSON of no known shape."""
    BROKEN = "broken"
    """Begins like JSON but is cut off, malformed or too deep; or is no text at all."""
    EMPTY = "empty"
    NONE = "none"
    """No complete answer came."""


Level = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an answer: the list it stood in (`level`), then the five members as sent, any of them absent."""

    level: Level
    code: str | None = None
    category: str | None = None
    message: str | None = None
    type: str | None = None
    status: str | None = None

    @property
    def named(self) -> bool:
        """Whether the message says anything at all; real answers with nothing but nulls exist."""
        return bool(self.code or self.category or self.message)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a body says. Texts are as sent; None means absent or null.

    `statuses` are the status words of a RESULT (reportingStatus, clearanceStatus, the status of the validation), in
    capitals. `request_id` is digits, with a minus sign for a refusal. `cleared_invoice` is decoded XML.
    """

    family: BodyFamily
    messages: tuple[Message, ...] = ()
    disposition: str | None = None
    token: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    request_id: str | None = None
    statuses: frozenset[str] = frozenset()
    cleared_invoice: bytes | None = field(default=None, repr=False)

    def names(self, *codes: str) -> bool:
        """Say whether a message carries one of the codes (as code or category), letters and separators aside."""
        wanted = {_plain(code) for code in codes}
        return any(
            _plain(word) in wanted for message in self.messages for word in (message.code, message.category) if word
        )

    def missing_steps(self) -> tuple[str, ...]:
        """Return the step names that a Missing-ComplianceSteps message lists in brackets; none if it has no list."""
        for message in self.messages:
            listed = _BRACKETED.search(message.message or "")
            if _plain(message.code or message.category or "") == "missingcompliancesteps" and listed:
                return tuple(step for step in (part.strip() for part in listed.group(1).split(",")) if step)
        return ()


Members = Mapping[str, JsonValue]

_BRACKETED = re.compile(r"\[([^\[\]]*)\]")
_BARE_CODE = re.compile(r"[A-Za-z]+(?:[-_][A-Za-z_]+)+")
_TEXT_SHOWN = 500
_LISTS: tuple[tuple[Level, tuple[str, ...]], ...] = (
    ("info", ("infoMessages",)),
    ("warning", ("warningMessages", "warnings")),
    ("error", ("errorMessages", "erroMessages", "erros", "errors")),
)
_RESULT_MEMBERS = frozenset(
    {"validationResults", "reportingStatus", "clearanceStatus", "clearedInvoice", "qrSellertStatus", "qrBuyertStatus"}
    | {name for _, names in _LISTS for name in names if name != "errors"}
)
_TOKEN_MEMBERS = frozenset({"binarySecurityToken", "dispositionMessage", "tokenType"})


def read_body(body: bytes) -> Reading:
    """Return what a response body says; the Content-Type is not asked, since it is not always true."""
    stripped = body.strip()
    if not stripped:
        return Reading(BodyFamily.EMPTY)
    if stripped.startswith(b"<"):
        return Reading(BodyFamily.HTML)
    if stripped.removeprefix(b"\xef\xbb\xbf").startswith((b"{", b"[")):
        try:
            return _read_value(read_json(stripped))
        except NotJson:
            return Reading(BodyFamily.BROKEN)
    return _read_text(stripped)


def _read_text(body: bytes) -> Reading:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Reading(BodyFamily.BROKEN)
    return Reading(BodyFamily.TEXT, (Message("error", message=text.strip('"')[:_TEXT_SHOWN]),))


def _read_value(value: JsonValue) -> Reading:
    if not isinstance(value, Mapping):
        messages = tuple(_messages(value, "error"))
        return Reading(BodyFamily.ERRLIST if messages else BodyFamily.JSON, messages)
    wrapped = value.get("value")
    if isinstance(wrapped, Mapping) and not _TOKEN_MEMBERS & value.keys():
        value = wrapped  # the published 428 wraps its TOKEN, the real one does not (contract 4.7)
    family = _family(value)
    if family is BodyFamily.RESULT:
        return _read_result(value)
    messages = tuple(_own_message(value, family)) + tuple(_messages(value.get("errors"), "error"))
    if family is not BodyFamily.TOKEN:
        return Reading(family, messages)
    return Reading(
        family,
        messages,
        disposition=_text(value.get("dispositionMessage")),
        token=_text(value.get("binarySecurityToken")),
        secret=_text(value.get("secret")),
        request_id=_whole_number(value.get("requestID")),
    )


def _family(members: Members) -> BodyFamily:
    if "code" in members and members.get("category") == "HTTP-Errors":
        return BodyFamily.HTTPERR
    return next((family for family, fits in _FAMILIES if fits(members.keys())), BodyFamily.JSON)


_FAMILIES: tuple[tuple[BodyFamily, Callable[[Set[str]], bool]], ...] = (
    (BodyFamily.TOKEN, lambda names: bool(_TOKEN_MEMBERS & names)),
    (BodyFamily.RESULT, lambda names: bool(_RESULT_MEMBERS & names)),
    (BodyFamily.SPRING, lambda names: {"timestamp", "error"} <= names),
    (BodyFamily.FLAT3, lambda names: bool({"errorCode", "errorCategory", "errorMessage"} & names)),
    (BodyFamily.FLAT, lambda names: "code" in names),
    (BodyFamily.ERRLIST, lambda names: "errors" in names),
    (BodyFamily.INFO, lambda names: "message" in names),
)


def _own_message(members: Members, family: BodyFamily) -> Iterator[Message]:
    """Give the message that the members of a flat body are."""
    if family is BodyFamily.FLAT3:
        yield Message(
            "error",
            code=_text(members.get("errorCode")),
            category=_text(members.get("errorCategory")),
            message=_text(members.get("errorMessage")),
        )
    elif family in (BodyFamily.FLAT, BodyFamily.HTTPERR):
        yield _message(members, "error")
    elif family is BodyFamily.SPRING:
        yield Message("error", message=_text(members.get("message")) or _text(members.get("error")))
    elif family is BodyFamily.INFO:
        yield Message("info", message=_text(members.get("message")))


def _read_result(members: Members) -> Reading:
    inner = members.get("validationResults")
    places: list[Members] = [members]
    messages: list[Message] = []
    if isinstance(inner, Mapping):
        places.insert(0, inner)
    else:
        messages.extend(_messages(inner, None))
    # One published sample has lists and status beside validationResults instead of inside (contract 4.3): read both.
    messages.extend(
        message
        for level, names in _LISTS
        for place in places
        for name in names
        for message in _messages(place.get(name), level)
    )
    words = [members.get("reportingStatus"), members.get("clearanceStatus"), *(place.get("status") for place in places)]
    return Reading(
        BodyFamily.RESULT,
        tuple(messages),
        statuses=frozenset(word.strip().upper() for word in words if isinstance(word, str) and word.strip()),
        cleared_invoice=_decoded(members.get("clearedInvoice")),
    )


def _messages(value: JsonValue, level: Level | None) -> Iterator[Message]:
    """Give the messages of a list of objects or texts, of a single one of them, or of nothing."""
    if value is None or isinstance(value, (bool, int)):
        return
    if isinstance(value, Mapping):
        yield _message(value, level or _level_of(value))
    elif isinstance(value, str):
        text = clean_text(value)
        code = text if _BARE_CODE.fullmatch(text.strip()) else None
        yield Message(level or "error", code=code and code.strip(), message=text)
    else:
        for element in value:
            yield from _messages(element, level)


def _message(members: Members, level: Level) -> Message:
    return Message(
        level,
        code=_text(members.get("code")) or _text(members.get("errorCode")),
        category=_text(members.get("category")) or _text(members.get("errorCategory")),
        message=_text(members.get("message")) or _text(members.get("errorMessage")),
        type=_text(members.get("type")),
        status=_text(members.get("status")),
    )


def _level_of(members: Members) -> Level:
    kind = str(members.get("type") or "").upper()
    return "info" if kind == "INFO" else "warning" if kind == "WARNING" else "error"


def _text(value: JsonValue) -> str | None:
    if value is None or isinstance(value, (Mapping, bool)):
        return None
    if isinstance(value, (str, int)):
        return clean_text(str(value)) or None
    return ", ".join(filter(None, map(_text, value))) or None


def _whole_number(value: JsonValue) -> str | None:
    """Return a requestID as digits; it comes as a number, from some simulators as text (contract 2.3)."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    text = str(value).strip().removesuffix(".0")
    return text if re.fullmatch(r"-?[0-9]{1,40}", text) else None


def _decoded(value: JsonValue) -> bytes | None:
    """Return the bytes of clearedInvoice; None if there are none or they are no base64."""
    if not isinstance(value, str):
        return None
    try:
        return base64.b64decode("".join(value.split()), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _plain(code: str) -> str:
    return "".join(filter(str.isalnum, code)).lower()
