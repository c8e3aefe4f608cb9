"""Rules on dates and times: formats, issue dates in the future, late reports, supply periods.

Source: Saudi rule specification, sites 002, 016, 033, 055, 056, 081, 129 and 130.
"""

from collections.abc import Iterator

from khatm.rules.abort import Abort, AbortKind
from khatm.rules.edition import ONLY_333, ONLY_348
from khatm.rules.ksa.facts import header, invoice, nonblank, type_name, typed
from khatm.rules.ksa.moments import (
    DAY,
    SECOND,
    date_start,
    instant,
    is_clock_time,
    is_format_date,
    is_time,
    moment,
    plain_day,
    today_start,
    zone_of,
)
from khatm.rules.reading import NONE, Node, Nodes, Reading, descend, opt
from khatm.rules.site import Site


def _issued_long_ago(reading: Reading) -> Nodes:
    """Simplified documents are reported within 24 hours; exactly 24 hours pass, and so does the future."""
    failing = []
    for node in header(reading):
        dates, times = node.all("cbc:IssueDate"), node.all("cbc:IssueTime")
        if not (dates and times and any(type_name(code)[:2] == "02" for code in node.all("cbc:InvoiceTypeCode"))):
            continue
        text = f"{opt(dates)}T{opt(times)}"
        issued = moment(text, zone_of(reading.now))
        if issued is None:
            raise Abort(AbortKind.CAST, text, dates[0])
        if instant(reading.now) - issued > DAY * SECOND:
            failing.append(node)
    return failing


def _issue_time(reading: Reading) -> Nodes:
    return [node for node in header(reading) if not is_clock_time(opt(node.all("cbc:IssueTime")))]


def _issued_in_future(reading: Reading) -> Nodes:
    """Every issue date, those of references too; a date in a zone west of the evaluator's may be later than today."""
    zone, today = zone_of(reading.now), today_start(reading.now)
    return [
        node
        for node in reading.named("cbc:IssueDate")
        if (start := date_start(node.text, zone)) is not None and start > today
    ]


def _issued_in_future_333(reading: Reading) -> Nodes:
    zone, today = zone_of(reading.now), today_start(reading.now)
    return [
        node
        for node in reading.named("cbc:IssueDate")
        if (day := plain_day(node.text)) is not None and day * DAY - zone > today
    ]


def _supply_ends(reading: Reading) -> Iterator[tuple[Node, Nodes]]:
    """Yield every end of supply with the starts beside it."""
    for delivery in reading.named("cac:Delivery"):
        for end in delivery.all("cbc:LatestDeliveryDate"):
            yield end, delivery.all("cbc:ActualDeliveryDate")


def _supply_start_missing(reading: Reading) -> Nodes:
    return [end for end, starts in _supply_ends(reading) if not nonblank(starts)]


def _supply_ends_early(reading: Reading) -> Nodes:
    failing = []
    for end, starts in _supply_ends(reading):
        first, last = plain_day(opt(starts)), plain_day(end.text)
        if first is not None and last is not None and last < first:
            failing.append(end)
    return failing


def _supply_date_missing(reading: Reading) -> Nodes:
    """Any supply date in the document will do, those of lines too; the type code is compared exactly."""
    if not any(code.text == "388" for node in invoice(reading) for code in node.all("cbc:InvoiceTypeCode")):
        return NONE
    codes = [code for code in typed(reading) if type_name(code)[:2] == "01"]
    if not codes:
        return NONE
    return NONE if nonblank(descend(reading.named("cac:Delivery"), "cbc:ActualDeliveryDate")) else codes


def _date_format(reading: Reading) -> Nodes:
    return _misformed(reading, "cbc:IssueDate", "cbc:DueDate", "cbc:TaxPointDate")


def _date_format_333(reading: Reading) -> Nodes:
    return _misformed(reading, "cbc:IssueDate", "cbc:DueDate")


def _misformed(reading: Reading, *names: str) -> Nodes:
    failing = [node for node in reading.any_of(*names) if not is_format_date(node.text)]
    for delivery in reading.named("cac:Delivery"):
        for name in ("cbc:ActualDeliveryDate", "cbc:LatestDeliveryDate"):
            failing += [node for node in delivery.all(name) if not is_format_date(node.text)]
    return failing


def _reference_time(reading: Reading) -> Nodes:
    times = descend(reading.named("cac:InvoiceLine"), "cac:DocumentReference", "cbc:IssueTime")
    return [node for node in times if not is_time(node.text)]


SITES = (
    Site("002", "BR-KSA-98", "warning", _issued_long_ago, ONLY_348, shows=("cbc:IssueDate",)),
    Site("016", "BR-KSA-70", "error", _issue_time, shows=("cbc:IssueTime",)),
    Site("033", "BR-KSA-04", "error", _issued_in_future, ONLY_348),
    Site("033", "BR-KSA-04", "error", _issued_in_future_333, ONLY_333),
    Site("055", "BR-KSA-35", "warning", _supply_start_missing),
    Site("056", "BR-KSA-36", "warning", _supply_ends_early),
    Site("081", "BR-KSA-15", "warning", _supply_date_missing),
    Site("129", "BR-KSA-F-01", "error", _date_format, ONLY_348),
    Site("129", "BR-KSA-F-01", "warning", _date_format_333, ONLY_333),
    Site("130", "BR-KSA-F-05", "warning", _reference_time),
)
