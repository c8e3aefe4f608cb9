"""Advice: what the official rules let pass and a careful generator would not do; it never makes a document invalid.

Each check is ours and has an id of ours (`KHATM-ADVICE-…`). What an official rule of the edition says of a value is
left to it; only the checks on texts in general (empty elements, blanks) can stand beside one.
Sources: the document standard, and the rule specifications where executed and written rule differ.
"""

from typing import Final

from khatm.rules.advice import (
    amounts,
    charges,
    currencies,
    dates,
    identifiers,
    lines,
    parties,
    prepayments,
    texts,
    vat,
)
from khatm.rules.site import Site

SITES: Final[tuple[Site, ...]] = (
    *identifiers.SITES,
    *dates.SITES,
    *parties.SITES,
    *lines.SITES,
    *charges.SITES,
    *vat.SITES,
    *prepayments.SITES,
    *currencies.SITES,
    *amounts.SITES,
    *texts.SITES,
)
