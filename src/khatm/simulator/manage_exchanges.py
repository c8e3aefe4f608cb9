"""Management of the record: lists that can be filtered and waited for, one exchange in full, exports.

The shapes are in docs/simulator.md.
"""

import time
from typing import Final, get_args

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute

from khatm.environment import Environment
from khatm.simulator.errors import InvalidManagementRequest, UnknownExchange
from khatm.simulator.exchange_export import har, json_lines
from khatm.simulator.exchange_view import exchange_members, full_members, summary_members
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.faults import EndpointName
from khatm.simulator.manage_reading import number_in_path, route, shown, vat_number_of
from khatm.simulator.recorder import RecordedExchange, Wanted
from khatm.simulator.verdicts import VERDICTS

_LATEST = 100
_MOST = 10**8
_LONGEST_WAIT = 60
_LOOKS_EVERY = 0.1
"""Seconds between two looks at whether something new is there."""
_FILTERS: Final = ("environment", "endpoint", "status", "verdict", "vat_number", "since", "before", "limit", "reveal")
_LIST: Final = (*_FILTERS, "wait", "view")
_FAMILY = "x"


def routes(fatoora: Fatoora) -> list[BaseRoute]:
    """Return the routes below /manage."""
    record = _Record(fatoora)
    return [
        route("GET", "/exchanges", record.listed),
        route("DELETE", "/exchanges", record.forget),
        route("GET", "/exchanges.har", record.har),
        route("GET", "/exchanges.jsonl", record.json_lines),
        route("GET", "/exchanges/{number}", record.one),
    ]


class _Record:
    def __init__(self, fatoora: Fatoora) -> None:
        self._recorder = fatoora.recorder

    async def listed(self, request: Request) -> Response:
        query = _Query(request, _LIST)
        wanted, limit, reveal = query.wanted(), query.limit(_LATEST), query.flag("reveal")
        full = query.word("view", ("full", "summary")) != "summary"
        ends = time.monotonic() + query.number("wait", 0, _LONGEST_WAIT, default=0)
        last, found = self._look(wanted, limit)
        while not found and time.monotonic() < ends and not await request.is_disconnected():
            await anyio.sleep(_LOOKS_EVERY)
            if self._recorder.last_number != last:
                last, found = self._look(wanted, limit)
        members = [exchange_members(each, reveal=reveal) if full else summary_members(each) for each in found]
        return JSONResponse({"exchanges": members, "last": last})

    def _look(self, wanted: Wanted, limit: int) -> tuple[int, list[RecordedExchange]]:
        """Return what is wanted, and the number after which the next look has to begin so that it misses nothing."""
        last = self._recorder.last_number
        found = self._recorder.find(wanted, limit)
        cut_off = wanted.since is not None and len(found) == limit > 0
        return (found[-1].number if cut_off else last), found

    async def one(self, request: Request) -> Response:
        query = _Query(request, ("reveal",))
        text = request.path_params["number"]
        number = number_in_path(text)
        found = None if number is None else self._recorder.one(number)
        if found is None:
            raise UnknownExchange(exchange=text)
        reveal = query.flag("reveal")
        # In a thread, because it reads the document again, which may be a large one.
        members = await anyio.to_thread.run_sync(lambda: full_members(found, _base(request), reveal=reveal))
        return JSONResponse(members)

    async def har(self, request: Request) -> Response:
        query = _Query(request, _FILTERS)
        parts = har(self._recorder, query.wanted(), query.limit(_MOST), _base(request), reveal=query.flag("reveal"))
        return StreamingResponse(parts, media_type="application/json", headers=_as_file("exchanges.har"))

    async def json_lines(self, request: Request) -> Response:
        query = _Query(request, _FILTERS)
        lines = json_lines(self._recorder, query.wanted(), query.limit(_MOST), reveal=query.flag("reveal"))
        return StreamingResponse(lines, media_type="application/x-ndjson", headers=_as_file("exchanges.jsonl"))

    async def forget(self, _request: Request) -> Response:
        self._recorder.forget()
        return JSONResponse({"last": self._recorder.last_number})


class _Query:
    """The query of a call, read with every mistake named."""

    def __init__(self, request: Request, known: tuple[str, ...]) -> None:
        """Raises InvalidManagementRequest for a name that is not among `known`."""
        self._given = dict(request.query_params)
        for name, value in self._given.items():
            if name not in known:
                allowed = f"the parameters {', '.join(known)}"
                raise InvalidManagementRequest(field=name, found=shown(value), allowed=allowed)

    def wanted(self) -> Wanted:
        vat_number = self._given.get("vat_number")
        return Wanted(
            environments=self._words("environment", tuple(each.value for each in Environment)),
            endpoints=self._words("endpoint", get_args(EndpointName)),
            statuses=tuple(_statuses(each) for each in self._list("status")),
            verdicts=self._words("verdict", VERDICTS),
            vat_number=None if vat_number is None else vat_number_of(vat_number),
            since=self._optional("since"),
            before=self._optional("before"),
        )

    def limit(self, default: int) -> int:
        return self.number("limit", 0, _MOST, default=default)

    def number(self, name: str, least: int, most: int, *, default: int) -> int:
        text = self._given.get(name)
        number = default if text is None else number_in_path(text)
        if number is None or not least <= number <= most:
            allowed = f"a whole number from {least} to {most}"
            raise InvalidManagementRequest(field=name, found=shown(text), allowed=allowed)
        return number

    def flag(self, name: str) -> bool:
        return self.word(name, ("true", "false")) == "true"

    def word(self, name: str, allowed: tuple[str, ...]) -> str | None:
        found = self._given.get(name)
        if found is not None and found not in allowed:
            raise InvalidManagementRequest(field=name, found=shown(found), allowed=", ".join(allowed))
        return found

    def _optional(self, name: str) -> int | None:
        return self.number(name, 0, 10**18 - 1, default=0) if name in self._given else None

    def _list(self, name: str) -> list[str]:
        return [each.strip() for each in self._given[name].split(",")] if name in self._given else []

    def _words(self, name: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
        found = self._list(name)
        for each in found:
            if each not in allowed:
                words = f"one or more of {', '.join(allowed)}, with commas between"
                raise InvalidManagementRequest(field=name, found=shown(each), allowed=words)
        return tuple(found)


def _statuses(text: str) -> range:
    """Return the statuses that `404` or `4xx` stands for."""
    if len(text) == 3 and text[0] in "12345" and text[1:] == _FAMILY * 2:
        return range(int(text[0]) * 100, int(text[0]) * 100 + 100)
    number = number_in_path(text)
    if number is None or not 100 <= number <= 599:
        allowed = "statuses such as 409 or 4xx, with commas between"
        raise InvalidManagementRequest(field="status", found=shown(text), allowed=allowed)
    return range(number, number + 1)


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
