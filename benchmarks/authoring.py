"""Claim: from authoring data to the stamped document in memory at least 5 times as fast as zatca-tools-sdk."""

import base64

from benchmarks.invoices import authored, new_identity, tools_sdk_input, tools_sdk_seller
from benchmarks.measuring import Missing, Row, in_turns, milliseconds

AIM = 5.0
LINES = 5


def measure(*, rounds: int, batch: int) -> list[Row | Missing]:
    """Both take a dict with the same seller, lines and chain place, check it, compute, write, hash, sign, make the QR.

    Neither touches a disk or a network.
    """
    claim = f"author to stamped document, {LINES} lines"
    try:
        from zatca_tools import Zatca
    except ImportError:
        return [Missing(claim, "zatca-tools-sdk is not installed: pip install '.[peers]'")]
    from benchmarks.khatm_side import author_and_stamp, signer_of

    identity = new_identity()
    ours = signer_of(identity)
    theirs = Zatca(
        "production",
        seller=tools_sdk_seller(),
        credentials={
            "certificate": base64.b64encode(identity.certificate_der).decode(),
            "secret": "none",
            "private_key": identity.key_pem,
        },
        chain="new",
    )
    document, their_document = authored(LINES), tools_sdk_input(LINES)
    mine, peers = in_turns(
        lambda: author_and_stamp(document, ours),
        lambda: theirs.create_invoice(their_document),
        rounds=rounds,
        batch=batch,
    )
    return [Row(claim, milliseconds(mine), f"zatca-tools-sdk {milliseconds(peers)}", peers / mine, AIM)]
