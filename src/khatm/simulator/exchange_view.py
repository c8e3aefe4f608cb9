"""An exchange as people and programs see it: headers and bodies, why it was refused, the document, a way to repeat it.

Secrets are three dots unless whoever asks wants to see them, which a test authority may allow.
"""

import base64
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from khatm.document.errors import NotAnInvoice, UnreadableXml
from khatm.document.reader import read_invoice
from khatm.errors import Language
from khatm.rules.catalogue import explain
from khatm.simulator.body_checks import received_document
from khatm.simulator.exchange import Response
from khatm.simulator.recorder import Exchange, RecordedExchange
from khatm.simulator.store import utc_text
from khatm.stamp import qr
from khatm.stamp.errors import UnreadableQr

MASK = "…"
_SECRET = re.compile(rb'("secret":)"[^"]*("|\Z)')
_MASKED_HEADERS = frozenset({"authorization", "otp", "cookie"})
_NOT_REPEATED = frozenset(
    {"host", "content-length", "connection", "accept-encoding", "user-agent", "transfer-encoding"}
)
_LONGEST_ARGUMENT = 100_000
"""Octets; Linux takes 128 KiB in one argument."""
_LANGUAGES: tuple[Language, ...] = ("en", "ar")
_LISTS = (("errorMessages", "error"), ("warningMessages", "warning"))


def summary_members(recorded: RecordedExchange) -> dict[str, object]:
    """Return the JSON members that a list shows."""
    exchange = recorded.exchange
    response, because = exchange.response, exchange.response.because if exchange.response else None
    return {
        "number": recorded.number,
        "received_at": utc_text(exchange.received_at),
        "seconds": round(exchange.seconds, 6),
        "environment": exchange.environment,
        "endpoint": exchange.endpoint,
        "vat_number": exchange.vat_number,
        "method": exchange.request.method,
        "path": exchange.request.path,
        "status": None if response is None else response.status,
        "verdict": exchange.verdict,
        "codes": [each["code"] for each in answer_messages(response)],
        "cause": None if because is None else because.cause,
        "fault": None if exchange.fault is None else exchange.fault.members(),
    }


def exchange_members(recorded: RecordedExchange, *, reveal: bool = False) -> dict[str, object]:
    """Return the JSON members of an exchange with what was said; `reveal` shows secrets."""
    exchange = recorded.exchange
    response = exchange.response
    answer = None
    if response is not None:
        answer = {
            "content_type": response.content_type,
            "headers": dict(response.headers),
            "body": body_text(answer_body(response, reveal=reveal)),
        }
    headers = request_headers(exchange, reveal=reveal)
    request = {"headers": headers, "body": body_text(exchange.request.body)}
    return {**summary_members(recorded), "request": request, "response": answer}


def full_members(recorded: RecordedExchange, base: str, *, reveal: bool = False) -> dict[str, object]:
    """Return everything that there is to say about an exchange; `base` is where the simulator is reached."""
    exchange = recorded.exchange
    return {
        **exchange_members(recorded, reveal=reveal),
        "why": explanation(exchange),
        "document": document_members(exchange),
        "curl": curl(exchange, base, reveal=reveal),
    }


def request_headers(exchange: Exchange, *, reveal: bool) -> dict[str, str]:
    """Return the request's headers, those that authenticate masked."""
    shown = exchange.request.headers.items()
    return {name: MASK if name in _MASKED_HEADERS and not reveal else value for name, value in shown}


def answer_body(response: Response, *, reveal: bool) -> bytes:
    """Return the answer's body with the value of a CSID's `secret` masked, even if it is cut off within."""
    return response.body if reveal else _SECRET.sub(b'\\1"' + MASK.encode() + b'"', response.body)


def body_text(body: bytes) -> str:
    """Return a body as text; bytes that are none, as base64 after a word that says so."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(body).decode()


def explanation(exchange: Exchange) -> dict[str, object]:
    """Return why an answer is no plain success: the cause that it hides, and each message explained.

    Sentences stand in English and Arabic; a code that the catalogue does not know has only its own text.
    """
    response = exchange.response
    because = None if response is None else response.because
    return {
        "cause": None if because is None else because.cause,
        "text": None if because is None else {each: because.sentence(each) for each in _LANGUAGES},
        "messages": [{**each, **_explained(each["code"])} for each in answer_messages(response)],
    }


def answer_messages(response: Response | None) -> list[dict[str, Any]]:
    """Return what an answer names, in its order: severity, code, category and text as far as they are there."""
    if response is None or (response.status == 200 and b'"WARNING"' not in response.body):
        return []
    try:
        members = json.loads(response.body)
    except ValueError:
        return []
    return list(_named(members)) if isinstance(members, dict) else []


def _named(members: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    validation = members.get("validationResults")
    if isinstance(validation, dict):
        for name, severity in _LISTS:
            for each in validation.get(name) or ():
                yield _message(severity, each.get("code"), each.get("message"), each.get("category"))
        return
    errors = members.get("errors")
    if isinstance(errors, list):
        for each in errors:
            if isinstance(each, dict):
                yield _message("error", each.get("code"), each.get("message"))
            else:
                yield _message("error", members.get("dispositionMessage"), each)
    elif "errorCategory" in members:
        yield _message("error", members["errorCategory"], members.get("errorMessage"))
    elif "code" in members:
        code = members.get("category") if members.get("category") == "HTTP-Errors" else members["code"]
        yield _message("error", code, members.get("message"))


def _message(severity: str, code: Any, text: Any, category: Any = None) -> dict[str, Any]:
    return {"severity": severity, "code": code, "category": category, "message": text}


def _explained(code: object) -> dict[str, object]:
    entry = explain(code) if isinstance(code, str) else None
    if entry is None or entry.kind == "term":
        entry = explain(code, "gateway") if isinstance(code, str) else None
    if entry is None:
        return {"title": None, "why": None, "fix": None}
    return {
        "title": {each: entry.text(each).title for each in _LANGUAGES},
        "why": {each: entry.text(each).why for each in _LANGUAGES},
        "fix": {each: entry.text(each).fix for each in _LANGUAGES},
    }


def document_members(exchange: Exchange) -> dict[str, object] | None:
    """Return the submitted document decoded, None if the call brought none that can be decoded.

    `xml` is its text, `facts` what it says as far as it can be read, `qr` the records of its QR code, `cleared_xml`
    the cleared document in the answer.
    """
    xml = received_document(_member(exchange.request.body, "invoice"))
    if xml is None:
        return None
    facts: dict[str, Any] | None = None
    records: list[dict[str, object]] | None = None
    try:
        read = read_invoice(xml)
    except (UnreadableXml, NotAnInvoice):
        pass
    else:
        facts = asdict(read)
        records = _qr_records(next((each.content for each in read.documents if each.id == "QR"), None))
    response = exchange.response
    cleared = received_document(_member(response.body, "clearedInvoice")) if response is not None else None
    return {
        "xml": body_text(xml),
        "facts": facts,
        "qr": records,
        "cleared_xml": None if cleared is None else body_text(cleared),
    }


def _member(body: bytes, name: str) -> object:
    try:
        members = json.loads(body)
    except ValueError:
        return None
    return members.get(name) if isinstance(members, dict) else None


def _qr_records(text: str | None) -> list[dict[str, object]] | None:
    if not text:
        return None
    try:
        content = qr.decode(text)
    except UnreadableQr:
        return None
    return [{"tag": tag, "value": body_text(value)} for tag, value in content.items]


def curl(exchange: Exchange, base: str, *, reveal: bool) -> str:
    """Return a shell command that sends the call again; with masked secrets it will be refused."""
    request = exchange.request
    parts = ["curl", "--request", request.method, base + request.path]
    for name, value in request_headers(exchange, reveal=reveal).items():
        if name not in _NOT_REPEATED:
            parts += ["--header", f"{name}: {value}"]
    if not request.body:
        return shlex.join(parts)
    if len(request.body) <= _LONGEST_ARGUMENT and _is_text(request.body):
        return shlex.join([*parts, "--data-binary", request.body.decode()])
    encoded = base64.b64encode(request.body).decode()
    return f"base64 -d <<'END' | {shlex.join([*parts, '--data-binary', '@-'])}\n{encoded}\nEND"


def _is_text(body: bytes) -> bool:
    """Whether a body can be an argument: UTF-8 without a NUL, and no file name in curl's eyes."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in body and not body.startswith(b"@")
