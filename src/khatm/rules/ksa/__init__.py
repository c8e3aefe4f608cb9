"""The Saudi rules: the assertion sites of ZATCA's own stylesheet."""

from khatm.rules.site import Site

SITES: tuple[Site, ...] = ()
"""Every site in the order of the stylesheet."""
