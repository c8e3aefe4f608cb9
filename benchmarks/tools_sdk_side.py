"""zatca-tools-sdk's way of making the same invoice, where it is installed."""

import base64
from collections.abc import Mapping
from typing import Any, Protocol

from benchmarks.invoices import Identity, tools_sdk_input, tools_sdk_seller


class TheirInvoice(Protocol):
    """What its `create_invoice` gives back, as far as we look at it."""

    @property
    def xml(self) -> str:
        """The stamped document."""
        ...


class TheirClient(Protocol):
    """Its entry point, as far as we use it."""

    def create_invoice(self, invoice: Mapping[str, Any]) -> TheirInvoice:
        """Check, compute, write, hash, sign and make the QR code, in memory."""
        ...


def client(identity: Identity) -> TheirClient | None:
    """Return its client for an onboarded unit, or None where it is not installed."""
    try:
        from zatca_tools import Zatca
    except ImportError:
        return None
    theirs: TheirClient = Zatca(
        "production",
        seller=tools_sdk_seller(),
        credentials={
            "certificate": base64.b64encode(identity.certificate_der).decode(),
            "secret": "none",
            "private_key": identity.key_pem,
        },
        chain="new",
    )
    return theirs


def indented_of(theirs: TheirClient, lines: int) -> bytes:
    """Return its stamped document: indented, with our invoice's content."""
    return theirs.create_invoice(tools_sdk_input(lines)).xml.encode()
