"""Exchanges as files: HAR 1.2, which browsers and test tools read, and JSON lines.

Source: HTTP Archive format 1.2 (log, entries, request, response, timings).
"""

import base64
import json
from collections.abc import Iterator
from http import HTTPStatus

from khatm import __version__
from khatm.simulator.exchange import Response
from khatm.simulator.exchange_view import answer_body, exchange_members, explanation, request_headers, summary_members
from khatm.simulator.recorder import RecordedExchange, Recorder, Wanted
from khatm.simulator.store import utc_text

_PAGE = 100


def json_lines(recorder: Recorder, wanted: Wanted, limit: int, *, reveal: bool) -> Iterator[str]:
    """Yield one exchange per line, oldest first."""
    for each in _pages(recorder, wanted, limit):
        yield json.dumps(exchange_members(each, reveal=reveal), ensure_ascii=False) + "\n"


def har(recorder: Recorder, wanted: Wanted, limit: int, base: str, *, reveal: bool) -> Iterator[str]:
    """Yield the parts of one HAR document, oldest entry first; `base` is where the simulator is reached."""
    creator = json.dumps({"name": "Khatm simulator", "version": __version__})
    yield f'{{"log": {{"version": "1.2", "creator": {creator}, "entries": ['
    comma = ""
    for each in _pages(recorder, wanted, limit):
        yield comma + "\n" + json.dumps(_entry(each, base, reveal=reveal), ensure_ascii=False)
        comma = ","
    yield "\n]}}\n"


def _pages(recorder: Recorder, wanted: Wanted, limit: int) -> Iterator[RecordedExchange]:
    """Yield what `Recorder.find` would return, without holding all of it at once."""
    numbers = recorder.numbers(wanted, limit)
    for start in range(0, len(numbers), _PAGE):
        for number in numbers[start : start + _PAGE]:
            found = recorder.one(number)
            if found is not None:
                yield found


def _entry(recorded: RecordedExchange, base: str, *, reveal: bool) -> dict[str, object]:
    exchange = recorded.exchange
    milliseconds = round(exchange.seconds * 1000, 3)
    return {
        "startedDateTime": utc_text(exchange.received_at),
        "time": milliseconds,
        "request": _request(recorded, base, reveal=reveal),
        "response": _response(exchange.response, reveal=reveal),
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        "comment": f"exchange {recorded.number}: {exchange.verdict}",
        "_khatm": {**summary_members(recorded), "why": explanation(exchange)},
    }


def _request(recorded: RecordedExchange, base: str, *, reveal: bool) -> dict[str, object]:
    request = recorded.exchange.request
    text, encoding = _content(request.body)
    return {
        "method": request.method,
        "url": base + request.path,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(request_headers(recorded.exchange, reveal=reveal)),
        "queryString": [],
        "postData": {
            "mimeType": request.header("content-type") or "",
            "params": [],
            "text": text,
            **({"_encoding": encoding} if encoding else {}),
        },
        "headersSize": -1,
        "bodySize": len(request.body),
    }


def _response(response: Response | None, *, reveal: bool) -> dict[str, object]:
    """Return HAR's response; status 0 stands for a call without an answer."""
    if response is None:
        response = Response(0, b"", "")
    text, encoding = _content(answer_body(response, reveal=reveal))
    headers = {"content-type": response.content_type, **response.headers} if response.status else {}
    return {
        "status": response.status,
        "statusText": _phrase(response.status),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(headers),
        "content": {
            "size": len(response.body),
            "mimeType": response.content_type,
            "text": text,
            **({"encoding": encoding} if encoding else {}),
        },
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": len(response.body),
    }


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _pairs(headers: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.items()]


def _content(body: bytes) -> tuple[str, str | None]:
    """Return a body as HAR holds it: text, or base64 with that word."""
    try:
        return body.decode("utf-8"), None
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), "base64"
