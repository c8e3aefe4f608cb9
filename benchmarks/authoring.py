"""Claim: from authoring data to the stamped document in memory at least 5 times as fast as zatca-tools-sdk."""

from benchmarks.invoices import authored, new_identity, tools_sdk_input
from benchmarks.measuring import Missing, Row, in_turns, milliseconds
from benchmarks.tools_sdk_side import client

AIM = 5.0
LINES = 5


def measure(*, rounds: int, turn: float) -> list[Row | Missing]:
    """Both take a dict with the same seller, lines and chain place, check it, compute, write, hash, sign, make the QR.

    Neither touches a disk or a network.
    """
    claim = f"author to stamped document, {LINES} lines"
    identity = new_identity()
    theirs = client(identity)
    if theirs is None:
        return [Missing(claim, "zatca-tools-sdk is not installed: pip install '.[peers]'")]
    from benchmarks.khatm_side import author_and_stamp, signer_of

    ours = signer_of(identity)
    document, their_document = authored(LINES), tools_sdk_input(LINES)
    turns = in_turns(
        lambda: author_and_stamp(document, ours),
        lambda: theirs.create_invoice(their_document),
        rounds=rounds,
        turn=turn,
    )
    mine, peers = milliseconds(turns.median(0)), milliseconds(turns.median(1))
    return [Row(claim, mine, f"zatca-tools-sdk {peers}", turns.ratio(1, to=0), AIM)]
