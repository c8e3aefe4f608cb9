"""What the commands tell of a document that was issued, alone or among many."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from khatm.ledger.documents import IssuedDocument


def issued_facts(unit_name: str, issued: "IssuedDocument") -> dict[str, object]:
    """Return what is told of a document that was issued."""
    from khatm.document.filename import archive_name

    placed = issued.document
    return {
        "unit": unit_name,
        "uuid": placed.uuid,
        "icv": placed.icv,
        "invoice_hash": placed.invoice_hash,
        "previous_hash": placed.previous_hash,
        "type_code": placed.type_code,
        "transaction_code": placed.transaction_code,
        "payable": placed.payable,
        "vat_total": placed.vat_total,
        "file_name": archive_name(issued.xml),
        "repeated": issued.repeated,
    }
