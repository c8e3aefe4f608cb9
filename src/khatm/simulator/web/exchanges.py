"""The record for people: a list that grows by itself, and one exchange with all that there is to say about it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

import anyio.to_thread
from starlette.responses import Response

from khatm.environment import Environment
from khatm.simulator.errors import UnknownExchange
from khatm.simulator.exchange_view import full_members, summary_members
from khatm.simulator.faults import EndpointName
from khatm.simulator.manage_reading import number_in_path
from khatm.simulator.recorder import RecordedExchange, Wanted
from khatm.simulator.verdicts import VERDICTS
from khatm.simulator.web.source import Row, rows_of
from khatm.simulator.web.visit import Visit

_SHOWN = 100
_FAMILIES = ("2xx", "3xx", "4xx", "5xx")
_FACTS = (
    ("fact.number", ("number",)),
    ("fact.uuid", ("uuid",)),
    ("fact.type_code", ("type_code",)),
    ("fact.transaction_code", ("transaction_code",)),
    ("fact.issue_date", ("issue_date",)),
    ("fact.issue_time", ("issue_time",)),
    ("fact.seller", ("seller", "name")),
    ("fact.seller_vat", ("seller", "vat")),
    ("fact.buyer", ("buyer", "name")),
    ("fact.buyer_vat", ("buyer", "vat")),
    ("fact.currency", ("currency",)),
    ("fact.tax_exclusive", ("totals", "tax_exclusive", "text")),
    ("fact.tax_inclusive", ("totals", "tax_inclusive", "text")),
    ("fact.payable", ("totals", "payable", "text")),
)
"""The key of a fact's name, and where it stands in a read document."""


async def show_list(visit: Visit) -> Response:
    """Show the latest exchanges that the filter leaves, the newest first."""
    chosen = {name: visit.query(name) for name in ("environment", "endpoint", "verdict", "status")}
    before = number_in_path(visit.query("before"))
    wanted = Wanted(
        environments=_known(chosen["environment"], tuple(each.value for each in Environment)),
        endpoints=_known(chosen["endpoint"], get_args(EndpointName)),
        verdicts=_known(chosen["verdict"], VERDICTS),
        statuses=tuple(
            range(int(each[0]) * 100, int(each[0]) * 100 + 100) for each in _known(chosen["status"], _FAMILIES)
        ),
        before=before,
    )
    found = visit.fatoora.recorder.find(wanted, _SHOWN)
    return visit.page(
        "exchanges.html",
        exchanges=[_summary(each) for each in reversed(found)],
        chosen=chosen,
        older=found[0].number if len(found) == _SHOWN else None,
        environments=[each.value for each in Environment],
        endpoints=get_args(EndpointName),
        verdicts=VERDICTS,
        families=_FAMILIES,
    )


async def show(visit: Visit) -> Response:
    """Show one exchange in full."""
    text = visit.request.path_params["number"]
    number = number_in_path(text)
    found = None if number is None else visit.fatoora.recorder.one(number)
    if found is None:
        raise UnknownExchange(exchange=text[:20])
    base = f"{visit.request.url.scheme}://{visit.request.url.netloc}"
    reveal = visit.query("reveal") == "true"
    # In a thread, because it reads the document again, which may be a large one.
    page = await anyio.to_thread.run_sync(_page, found, base, reveal)
    return visit.page("exchange.html", reveal=reveal, **page)


@dataclass(frozen=True, slots=True)
class _Shown:
    """A document as the page shows it."""

    facts: list[tuple[str, str]]
    qr: list[dict[str, Any]]
    rows: list[Row]
    cleared: list[Row]


def _page(found: RecordedExchange, base: str, reveal: bool) -> dict[str, Any]:
    members: dict[str, Any] = full_members(found, base, reveal=reveal)
    answer = members["response"]
    return {
        "exchange": {**members, "received_at": found.exchange.received_at},
        "request_body": _pretty(members["request"]["body"]),
        "response_body": None if answer is None else _pretty(answer["body"]),
        "document": None if members["document"] is None else _document(members["document"]),
    }


def _document(members: dict[str, Any]) -> _Shown:
    read = members["facts"] or {}
    return _Shown(
        facts=[(key, text) for key, path in _FACTS if (text := _at(read, path))],
        qr=members["qr"] or [],
        rows=rows_of(members["xml"].encode(), ()),
        cleared=rows_of(members["cleared_xml"].encode(), ()) if members["cleared_xml"] else [],
    )


def _at(members: Any, path: tuple[str, ...]) -> str:
    for name in path:
        members = (members or {}).get(name)
    return str(members or "")


def _summary(recorded: RecordedExchange) -> dict[str, Any]:
    received_at: datetime = recorded.exchange.received_at
    return {**summary_members(recorded), "received_at": received_at}


def _known(text: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    return (text,) if text in allowed else ()


def _pretty(body: str) -> str:
    """Return JSON with indents, long texts cut; anything else as it is."""
    try:
        return json.dumps(_shortened(json.loads(body)), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body


def _shortened(value: object) -> object:
    if isinstance(value, dict):
        return {name: _shortened(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_shortened(each) for each in value]
    return value[:160] + "…" if isinstance(value, str) and len(value) > 200 else value
