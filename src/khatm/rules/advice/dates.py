"""Advice on dates and times: what cannot have happened in that order, and forms that make trouble later.

Source: the document standard, section 2; Saudi rule specification, section 9 (BR-KSA-15, 72).
"""

from collections.abc import Iterator
from typing import Final

from khatm.rules.advice.facts import (
    CUSTOMER,
    LINE,
    REFERENCE,
    TYPE,
    advise,
    country,
    flagged,
    simplified,
    text,
    transaction_code,
)
from khatm.rules.ksa.moments import SECOND, instant, is_clock_time, moment, plain_day
from khatm.rules.reading import NONE, Node, Nodes, Reading

_DATE: Final = "cbc:IssueDate"
_TIME: Final = "cbc:IssueTime"
_FIRST_DAY: Final = "2021-12-04"
"""The day from which e-invoices are issued in the Kingdom; none is older."""
_SAUDI: Final = 3 * 3600
_CLOCKS: Final = 15 * 60 * SECOND
"""Nanoseconds by which the clocks of issuer and checker may differ."""


def _issue_day(reading: Reading) -> str:
    return reading.fact(_plain_issue_day)


def _plain_issue_day(reading: Reading) -> str:
    """Return BT-2 if it is a plain date, else ""; such dates compare as texts."""
    day = text(reading.root.all(_DATE))
    return day if plain_day(day) is not None else ""


def _too_early(reading: Reading) -> Nodes:
    day = _issue_day(reading)
    return reading.root.all(_DATE)[:1] if "2000" <= day < _FIRST_DAY else NONE


def _ahead(reading: Reading) -> Nodes:
    """A later day is an error of the official rules (BR-KSA-04); a later hour of today is none."""
    day, now = _issue_day(reading), reading.now
    if day != now.date().isoformat() or not is_clock_time(text(reading.root.all(_TIME))):
        return NONE
    issued = moment(f"{day}T{text(reading.root.all(_TIME))}", _SAUDI)
    return reading.root.all(_TIME)[:1] if issued is not None and issued > instant(now) + _CLOCKS else NONE


def _supplied_later(reading: Reading) -> Iterator[Node]:
    """A note repeats the date of the original supply, which lies behind it."""
    day = _issue_day(reading)
    if day and text(reading.root.all(TYPE)) in ("381", "383"):
        for node in reading.root.path("cac:Delivery", "cbc:ActualDeliveryDate"):
            if plain_day(text([node])) is not None and text([node]) > day:
                yield node


def _reference_later(reading: Reading) -> Iterator[Node]:
    day = _issue_day(reading)
    nodes = [
        *reading.root.path("cac:BillingReference", "cac:InvoiceDocumentReference", _DATE),
        *reading.root.path(LINE, REFERENCE, _DATE),
    ]
    today = reading.now.date().isoformat()  # what is later breaks an official rule (BR-KSA-04)
    for node in nodes:
        if day and plain_day(text([node])) is not None and day < text([node]) <= today:
            yield node


def _no_period(reading: Reading) -> Nodes:
    """The official rule asks for both dates only if the buyer's country is SA."""
    if not (simplified(reading) and flagged(reading, 6)) or country(reading, CUSTOMER) == "SA":
        return NONE
    dates = ("cbc:ActualDeliveryDate", "cbc:LatestDeliveryDate")
    return NONE if all(text(reading.root.path("cac:Delivery", each)) for each in dates) else reading.root.all(TYPE)[:1]


def _supply_elsewhere(reading: Reading) -> Nodes:
    """Any supply date in the document satisfies the official rule, a line's included."""
    if not transaction_code(reading).startswith("01") or text(reading.root.all(TYPE)) != "388":
        return NONE
    if text(reading.root.path("cac:Delivery", "cbc:ActualDeliveryDate")):
        return NONE
    return [node for node in reading.named("cbc:ActualDeliveryDate") if node.text.strip()][:1]


SITES = (
    advise("ISSUE-DATE", _too_early),
    advise("ISSUE-AHEAD", _ahead),
    advise("SUPPLY-LATER", _supplied_later),
    advise("REFERENCE-LATER", _reference_later),
    advise("SUMMARY-PERIOD", _no_period, "@name"),
    advise("SUPPLY-PLACE", _supply_elsewhere),
)
