"""The Saudi rules (BR-KSA): every assertion site of ZATCA's own stylesheet, grouped by subject, registered here.

Site numbers are the source order of edition 3.4.8; sites whose test, context or severity differs in 3.3.3 stand once
for each edition. Source: Saudi rule specification.
"""

from typing import Final

from khatm.rules.ksa import (
    addresses,
    amounts,
    categories,
    charges,
    currencies,
    dates,
    headers,
    identities,
    lines,
    payments,
    prepayments,
    rates,
    references,
)
from khatm.rules.site import Site

SITES: Final[tuple[Site, ...]] = tuple(
    sorted(
        (
            *headers.SITES,
            *references.SITES,
            *dates.SITES,
            *identities.SITES,
            *addresses.SITES,
            *payments.SITES,
            *lines.SITES,
            *charges.SITES,
            *prepayments.SITES,
            *categories.SITES,
            *rates.SITES,
            *currencies.SITES,
            *amounts.SITES,
        ),
        key=lambda site: site.number,
    )
)
