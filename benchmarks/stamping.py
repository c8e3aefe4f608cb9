"""Claim: an existing XML is stamped at least 6 times as fast as by fatoora-rs (Rust)."""

from functools import partial

from benchmarks.invoices import Identity, authored, new_identity
from benchmarks.measuring import Missing, Row, in_turns, milliseconds

AIM = 6.0
LINES = 5


def measure(*, rounds: int, turn: float) -> list[Row | Missing]:
    """Both parse the same file, hash it, make the XAdES block and the QR code, and give back the stamped document.

    Ours includes the self-check after stamping. Three files with the same lines: as our writer leaves it (no white
    space), indented as other programs leave it, and that one with a stamp on it that has to come out first.
    """
    claim = f"stamp an existing XML, {LINES} lines"
    try:
        import fatoora
    except ImportError:
        return [Missing(claim, "fatoora-rs is not installed: pip install '.[peers]'")]
    from benchmarks.khatm_side import signer_of, stamp_existing

    identity = new_identity()
    ours = signer_of(identity)
    theirs = fatoora.Signer.from_der(identity.certificate_der, identity.key_der)
    rows: list[Row | Missing] = []
    for kind, xml in _files(identity).items():
        turns = in_turns(
            partial(stamp_existing, xml, ours), partial(theirs.sign_xml, xml.decode()), rounds=rounds, turn=turn
        )
        mine, peers = milliseconds(turns.median(0)), milliseconds(turns.median(1))
        rows.append(Row(f"{claim}, {kind}", mine, f"fatoora-rs {peers}", turns.ratio(1, to=0), AIM))
    return rows


def _files(identity: Identity) -> dict[str, bytes]:
    from benchmarks.khatm_side import unstamped_of, without_stamp
    from benchmarks.tools_sdk_side import client, indented_of

    files = {"no white space": unstamped_of(authored(LINES))}
    if (other := client(identity)) is not None:
        stamped = indented_of(other, LINES)
        files |= {"indented": without_stamp(stamped), "indented, stamped before": stamped}
    return files
