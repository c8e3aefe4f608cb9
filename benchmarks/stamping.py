"""Claim: an existing XML is stamped at least 6 times as fast as by fatoora-rs (Rust)."""

from functools import partial

from benchmarks.invoices import authored, new_identity
from benchmarks.measuring import Missing, Row, in_turns, milliseconds

AIM = 6.0
LINES = 5


def measure(*, rounds: int, batch: int) -> list[Row | Missing]:
    """Both parse the same file, hash it, make the XAdES block and the QR code, and give back a text or bytes.

    Ours includes the self-check after stamping. The file is measured unstamped, as a cash register hands it over,
    and once more with a stamp on it that has to come out first.
    """
    claim = f"stamp an existing XML, {LINES} lines"
    try:
        import fatoora
    except ImportError:
        return [Missing(claim, "fatoora-rs is not installed: pip install '.[peers]'")]
    from benchmarks.khatm_side import signer_of, stamp_existing, unstamped_of

    identity = new_identity()
    ours = signer_of(identity)
    theirs = fatoora.Signer.from_der(identity.certificate_der, identity.key_der)
    plain = unstamped_of(authored(LINES))
    rows: list[Row | Missing] = []
    for kind, xml in (("unstamped", plain), ("stamped before", stamp_existing(plain, ours))):
        mine, peers = in_turns(
            partial(stamp_existing, xml, ours), partial(theirs.sign_xml, xml.decode()), rounds=rounds, batch=batch
        )
        rows.append(Row(f"{claim}, {kind}", milliseconds(mine), f"fatoora-rs {milliseconds(peers)}", peers / mine, AIM))
    return rows
