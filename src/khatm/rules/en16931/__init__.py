"""The EN 16931 rules as ZATCA ships them, with its additions: the assertion sites of the European stylesheet.

Source: the EN rule specification (stylesheet `CEN-EN16931-UBL.xsl` of the SDK releases 3.4.8 and 3.3.3).
"""

from khatm.rules.en16931 import allowances, codelists, document, lines, totals, vat
from khatm.rules.site import Site

SITES: tuple[Site, ...] = tuple(
    sorted(
        (*allowances.SITES, *totals.SITES, *document.SITES, *lines.SITES, *vat.SITES, *codelists.SITES),
        key=lambda site: site.number,
    )
)
"""Every site in the order of the stylesheet; the sites that only 3.3.3 has come last."""
