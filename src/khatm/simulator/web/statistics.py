"""The taxpayer's documents over the last 12 months: by month, by day of one month, and by kind, with the outcome.

Source: gateway contract, sections 10.1 (Statistics) and 10.3.
"""

import calendar
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time

from starlette.responses import Response

from khatm.clock import SAUDI, saudi_time
from khatm.simulator.records import DayCount
from khatm.simulator.web.charts import OUTCOMES, Chart, Group, stack
from khatm.simulator.web.visit import Visit

_MONTHS = 12
_KINDS = {
    ("standard", "388"): "kind.standard_invoice",
    ("standard", "386"): "kind.standard_prepayment",
    ("standard", "381"): "kind.standard_credit_note",
    ("standard", "383"): "kind.standard_debit_note",
    ("simplified", "388"): "kind.simplified_invoice",
    ("simplified", "386"): "kind.simplified_prepayment",
    ("simplified", "381"): "kind.simplified_credit_note",
    ("simplified", "383"): "kind.simplified_debit_note",
}


async def show(visit: Visit) -> Response:
    """Show the pictures, and the same numbers as tables."""
    vat_number, today = visit.vat_number, saudi_time(visit.fatoora.clock.now()).date()
    months = [_month_before(today, back) for back in reversed(range(_MONTHS))]
    since = datetime.combine(months[0], time(), SAUDI)
    found = [
        each for each in visit.fatoora.records.daily(visit.environment, vat_number, since) if each.outcome in OUTCOMES
    ]
    names = {f"{each:%Y-%m}": each for each in months}
    chosen = names.get(visit.query("month"), months[-1])
    mirrored = visit.language == "ar"
    return visit.page(
        "statistics.html",
        outcomes=OUTCOMES,
        totals=_by_outcome(found),
        months=_months(found, months, chosen, mirrored=mirrored),
        days=_days(found, chosen, mirrored=mirrored),
        month=f"{chosen:%Y-%m}",
        kinds=_kinds(found),
        table=[
            {
                "day": each.day,
                "key": _kind_key(each),
                "type_code": each.type_code,
                "outcome": each.outcome,
                "count": each.count,
            }
            for each in reversed(found)
        ],
    )


def _months(found: list[DayCount], months: list[date], chosen: date, *, mirrored: bool) -> Chart:
    groups = []
    for month in months:
        name = f"{month:%Y-%m}"
        counts = _by_outcome(each for each in found if f"{each.day:%Y-%m}" == name)
        link = f"/portal/statistics?month={name}"
        groups.append(Group(name, f"{month:%m/%y}", counts, link, current=month == chosen))
    return stack(groups, mirrored=mirrored)


def _days(found: list[DayCount], month: date, *, mirrored: bool) -> Chart:
    groups = []
    for number in range(1, calendar.monthrange(month.year, month.month)[1] + 1):
        day = month.replace(day=number)
        counts = _by_outcome(each for each in found if each.day == day)
        groups.append(Group(day.isoformat(), str(number) if number == 1 or number % 5 == 0 else "", counts))
    return stack(groups, mirrored=mirrored)


def _kinds(found: list[DayCount]) -> list[dict[str, object]]:
    kinds: dict[tuple[str, str], list[DayCount]] = {}
    for each in found:
        kinds.setdefault((each.profile, each.type_code), []).append(each)
    most = max((sum(each.count for each in group) for group in kinds.values()), default=1)
    rows: list[dict[str, object]] = []
    for (_, type_code), group in sorted(kinds.items(), reverse=True):
        counts, x, pieces = _by_outcome(group), 0.0, []
        for outcome in OUTCOMES:
            width = 100 * counts[outcome] / most
            pieces.append({"outcome": outcome, "x": round(x, 2), "width": round(width, 2)})
            x += width
        rows.append({"key": _kind_key(group[0]), "type_code": type_code, "counts": counts, "pieces": pieces})
    return rows


def _kind_key(each: DayCount) -> str:
    return _KINDS.get((each.profile, each.type_code), "kind.other")


def _by_outcome(found: Iterable[DayCount]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for each in found:
        counts[each.outcome] += each.count
    return counts


def _month_before(day: date, back: int) -> date:
    months = day.year * 12 + day.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)
