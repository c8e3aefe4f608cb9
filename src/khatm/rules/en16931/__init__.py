"""The EN 16931 rules as ZATCA ships them, with its additions: the assertion sites of the European stylesheet."""

from khatm.rules.site import Site

SITES: tuple[Site, ...] = ()
"""Every site in the order of the stylesheet."""
