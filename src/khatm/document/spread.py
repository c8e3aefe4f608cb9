"""Document discounts and charges, each spread over the VAT groups that it touches.

Source: the document standard, sections 5.2, 7.4 and 15.2 item 2.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal

from khatm.document.computed import Adjustment, DocumentAdjustment, VatGroup
from khatm.document.errors import Problem
from khatm.document.line_arithmetic import Tally, adjustment
from khatm.document.lines import DocumentCharge, DocumentDiscount
from khatm.money import ZERO, divide, multiply, percent_of, round2, text2, total

Tallies = dict[VatGroup, Tally]
Entry = DocumentDiscount | DocumentCharge


def document_level(
    entries: Sequence[Entry], member: Literal["discounts", "charges"], tallies: Tallies, problems: list[Problem]
) -> list[DocumentAdjustment]:
    """Return one entry per amount and VAT group, and account for it in the tallies; report what cannot be spread."""
    sign = -1 if member == "discounts" else 1
    emitted = []
    for at, entry in enumerate(entries):
        group = _own_group(entry, tallies)
        shares = _inclusive(entry, group, sign, tallies) if entry.basis == "gross" else _net(entry, group, tallies)
        for of, share in shares:
            tallies[of].adjusted += sign * share.amount
            emitted.append(DocumentAdjustment(of, share))
        if group is None and entry.amount and not any(_weights(tallies, entry.basis).values()):
            problems.append(_cannot_spread(f"{member}[{at}].vat", entry.amount))
    return emitted


def _own_group(entry: Entry, tallies: Tallies) -> VatGroup | None:
    if entry.vat is None:
        return None
    group = VatGroup(entry.vat.category, entry.vat.percent)
    tally = tallies.setdefault(group, Tally())
    if tally.reason_code is None:
        tally.reason_code, tally.reason = entry.vat.reason_code, entry.vat.reason_text
    return group


def _net(entry: Entry, group: VatGroup | None, tallies: Tallies) -> Iterator[tuple[VatGroup, Adjustment]]:
    if group is not None:
        yield group, adjustment(entry, tallies[group].line_net)
    elif entry.amount is None and entry.base is None:
        for each, tally in tallies.items():
            share = adjustment(entry, tally.line_net)
            if share.amount:
                yield each, share
    else:
        weights = _weights(tallies, "net")
        whole = adjustment(entry, ZERO)
        touched = [each for each, weight in weights.items() if weight]
        if len(touched) == 1:  # base and percentage can only stand beside the undivided amount
            yield touched[0], whole
            return
        for each, amount in _shares(whole.amount, weights):
            yield each, Adjustment(amount, entry.reason, entry.code)


def _inclusive(
    entry: Entry, group: VatGroup | None, sign: int, tallies: Tallies
) -> Iterator[tuple[VatGroup, Adjustment]]:
    weights = _weights(tallies, "gross") if group is None else {group: tallies[group].line_gross}
    if entry.amount is not None:
        amount = round2(entry.amount)
    else:
        assert entry.percent is not None
        amount = percent_of(total(weights.values()) if entry.base is None else entry.base, entry.percent)
    for each, share in [(group, amount)] if group is not None else _shares(amount, weights):
        net = sign * tallies[each].net_of(sign * share, each.rate)
        if net:
            yield each, Adjustment(net, entry.reason, entry.code)


def _weights(tallies: Tallies, basis: str) -> dict[VatGroup, Decimal]:
    return {group: tally.line_gross if basis == "gross" else tally.line_net for group, tally in tallies.items()}


def _shares(amount: Decimal, weights: dict[VatGroup, Decimal]) -> Iterator[tuple[VatGroup, Decimal]]:
    """Cut an amount in proportion to the weights, each share from the running total so that they add up exactly."""
    whole, reached, given = total(weights.values()), ZERO, ZERO
    if not whole:
        return
    for group, weight in weights.items():
        reached += weight
        share = round2(divide(multiply(amount, reached), whole)) - given
        given += share
        if share:
            yield group, share


def _cannot_spread(path: str, amount: Decimal) -> Problem:
    return Problem(
        path,
        "",
        f"the VAT group that {text2(amount)} belongs to: there is no line amount to spread it over",
        "spread",
        None,
        f"المجموعة الضريبية التي يخصها المبلغ {text2(amount)}: لا توجد بنود بقيمة يوزع عليها",
    )
