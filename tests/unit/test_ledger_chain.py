"""Proof of the chain: it holds for what was issued, and each kind of tampering is named at its first place."""

from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from khatm.ledger.ledger import Ledger
from tests.unit.ledger_stage import FIRST_PIH, fresh_ledger, plain_document, ready_ledger, simplified, standard, tamper

pytestmark = pytest.mark.usefixtures("either_store")


def filled(path: Path) -> Ledger:
    ledger = ready_ledger(path)
    for writer in (simplified, standard, simplified, standard, simplified):
        ledger.issue("till-1", writer)
    return ledger


def test_an_untouched_chain_holds(tmp_path: Path) -> None:
    with filled(tmp_path) as ledger:
        report = ledger.verify_chain("till-1")
    assert (report.unit, report.documents, report.intact) == ("till-1", 5, True)


def test_an_empty_chain_holds(tmp_path: Path) -> None:
    with ready_ledger(tmp_path) as ledger:
        report = ledger.verify_chain("till-1")
    assert (report.documents, report.intact) == (0, True)


def test_changed_bytes_give_another_hash(tmp_path: Path) -> None:
    with filled(tmp_path) as ledger:
        third = ledger.document_at("till-1", 3)
        altered = ledger.document_xml(third).replace(b"115.00", b"114.00")
        tamper(ledger, "UPDATE stamped_xml SET content = ? WHERE document_id = ?", altered, third.id)
        broken = ledger.verify_chain("till-1").first_break
        assert broken is not None
        assert (broken.icv, broken.uuid, broken.check) == (3, third.uuid, "hash")
        assert broken.expected == third.invoice_hash != broken.found
        assert ledger.verify_chain("till-1").documents == 2


def test_a_rewritten_document_breaks_its_successor(tmp_path: Path) -> None:
    """Bytes and row agree again after a careful forgery; the next document's previous hash still tells."""
    with filled(tmp_path) as ledger:
        second = ledger.document_at("till-1", 2)
        from khatm.ledger.issue import ChainPlace

        place = ChainPlace(second.uuid, 2, second.previous_hash)
        forged = plain_document(place, simplified=False, filler=3)
        tamper(ledger, "UPDATE stamped_xml SET content = ? WHERE document_id = ?", forged.xml, second.id)
        tamper(ledger, "UPDATE document SET invoice_hash = ? WHERE id = ?", forged.invoice_hash, second.id)
        broken = ledger.verify_chain("till-1").first_break
        assert broken is not None
        assert (broken.icv, broken.check, broken.expected) == (3, "previous-hash", forged.invoice_hash)


def test_a_missing_document_is_a_gap(tmp_path: Path) -> None:
    with filled(tmp_path) as ledger:
        fourth = ledger.document_at("till-1", 4)
        tamper(ledger, "DELETE FROM stamped_xml WHERE document_id = ?", fourth.id)
        tamper(ledger, "DELETE FROM document WHERE id = ?", fourth.id)
        broken = ledger.verify_chain("till-1").first_break
        assert broken is not None
        assert (broken.icv, broken.check, broken.expected, broken.found) == (4, "counter", "4", "5")


def test_a_document_without_its_bytes_is_a_gap(tmp_path: Path) -> None:
    with filled(tmp_path) as ledger:
        tamper(ledger, "DELETE FROM stamped_xml WHERE document_id = ?", ledger.document_at("till-1", 1).id)
        broken = ledger.verify_chain("till-1").first_break
        assert broken is not None
        assert (broken.icv, broken.check) == (1, "bytes")


@pytest.mark.parametrize(
    ("column", "value", "check"),
    [
        ("previous_hash", "x", "previous-hash"),
        ("invoice_hash", "x", "hash"),
        ("uuid", "x", "embedded-uuid"),
    ],
)
def test_a_changed_row_disagrees_with_its_bytes(tmp_path: Path, column: str, value: str, check: str) -> None:
    with filled(tmp_path) as ledger:
        tamper(ledger, f"UPDATE document SET {column} = ? WHERE icv = 2", value)
        broken = ledger.verify_chain("till-1").first_break
        assert broken is not None
        assert (broken.icv, broken.check) == (2, check)


@pytest.mark.parametrize(
    ("replaced", "by", "check"),
    [
        (b"<cbc:UUID>2</cbc:UUID>", b"<cbc:UUID>9</cbc:UUID>", "embedded-counter"),
        (b"</cbc:EmbeddedDocumentBinaryObject>", b"x</cbc:EmbeddedDocumentBinaryObject>", "embedded-previous-hash"),
        (b"</Invoice>", b"", "unreadable"),
    ],
)
def test_what_the_bytes_say_of_their_place_counts(tmp_path: Path, replaced: bytes, by: bytes, check: str) -> None:
    from base64 import b64encode
    from hashlib import sha256

    with filled(tmp_path) as ledger:
        second = ledger.document_at("till-1", 2)
        altered = ledger.document_xml(second).replace(replaced, by)
        tamper(ledger, "UPDATE stamped_xml SET content = ? WHERE document_id = ?", altered, second.id)
        # The forger adapts the row's hash, so that only the embedded value is left to tell.
        digest = b64encode(sha256(altered).digest()).decode()
        tamper(ledger, "UPDATE document SET invoice_hash = ? WHERE id = ?", digest, second.id)
        broken = ledger.verify_chain("till-1").first_break
        assert broken is not None
        assert (broken.icv, broken.check) == (2, check)


@pytest.mark.parametrize(("column", "value"), [("next_icv", 5), ("last_hash", FIRST_PIH)])
def test_a_head_that_does_not_continue_the_chain_is_named(tmp_path: Path, column: str, value: object) -> None:
    with filled(tmp_path) as ledger:
        tamper(ledger, f"UPDATE unit SET {column} = ?", value)
        broken = ledger.verify_chain("till-1").first_break
        assert broken is not None
        assert broken.check == "head"
        assert ledger.verify_chain("till-1").documents == 5


def test_the_database_holds_each_place_and_uuid_once(tmp_path: Path) -> None:
    with filled(tmp_path) as ledger:
        for column in ("icv", "uuid"):
            first = f"SELECT {column} FROM document WHERE icv = 1"
            with pytest.raises(IntegrityError, match=column):
                tamper(ledger, f"UPDATE document SET {column} = ({first}) WHERE icv = 5")
    with fresh_ledger(tmp_path) as ledger:
        assert ledger.verify_chain("till-1").intact
