"""Several processes issue for one unit of one ledger: one chain, no gap, no fork."""

import itertools
import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from tests.unit.ledger_stage import FIRST_PIH, fresh_ledger, ready_ledger, run_together

PROCESSES, EACH = 4, 50

_ISSUER = """
import sys
from pathlib import Path
from khatm.clock import FixedClock
from tests.unit.ledger_stage import START, fresh_ledger, plain_document
from tests.crash.test_ledger_processes import stamped_by

ledger = fresh_ledger(Path(sys.argv[1]), FixedClock(START))
write = stamped_by(ledger) if sys.argv[2] == "stamped" else lambda place, _: plain_document(place)
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    print(ledger.issue("till-1", write).document.uuid)
"""


def stamped_by(ledger):  # type: ignore[no-untyped-def]
    """A write callback that really stamps, with the key that the ledger keeps sealed."""
    from khatm.document.canonical import CanonicalInvoice
    from khatm.stamp.certificate import read_certificate
    from khatm.stamp.keys import load_key
    from khatm.stamp.signers import FileSigner
    from khatm.stamp.xades import stamp
    from tests.unit.ledger_stage import START, plain_document

    live = ledger.live_generation("till-1")
    signer = FileSigner(load_key(ledger.key_of(live)), read_certificate(live.pcsid_token))

    def write(place, _generation):  # type: ignore[no-untyped-def]
        plain = plain_document(place)
        root_end = plain.xml.index(b">") + 1
        supplier = plain.xml.index(b"<cac:AccountingSupplierParty>")
        parts = (plain.xml[:root_end], plain.xml[root_end:supplier], plain.xml[supplier:])
        return stamp(CanonicalInvoice(*parts, plain.facts), signer, START)

    return write


@pytest.mark.usefixtures("either_store")
@pytest.mark.parametrize("kind", ["plain", "stamped"])
def test_processes_issue_into_one_chain(tmp_path: Path, kind: str) -> None:
    each = EACH if kind == "plain" else 15
    ready_ledger(tmp_path).close()
    outputs = run_together(_ISSUER, str(tmp_path), kind, str(each), processes=PROCESSES)
    assert [len(output) for output in outputs] == [each] * PROCESSES

    with fresh_ledger(tmp_path) as ledger:
        documents = ledger.documents("till-1")
        proof = ledger.verify_chain("till-1")
        archive = [ledger.document_xml(document) for document in documents]
        unit = ledger.unit("till-1")
    total = PROCESSES * each
    assert [document.icv for document in documents] == list(range(1, total + 1))
    assert sorted(document.uuid for document in documents) == sorted(uuid for output in outputs for uuid in output)
    assert len({document.invoice_hash for document in documents}) == total
    previous = FIRST_PIH
    for document, xml in zip(documents, archive, strict=True):
        assert document.previous_hash == previous
        assert f">{previous}</cbc:EmbeddedDocumentBinaryObject>".encode() in xml
        if kind == "plain":
            assert document.invoice_hash == b64encode(sha256(xml).digest()).decode()
        previous = document.invoice_hash
    assert (unit.next_icv, unit.last_hash) == (total + 1, previous)
    assert (proof.intact, proof.documents) == (True, total)
    # They really took turns: no process had its documents all in one row.
    owner = {uuid: number for number, output in enumerate(outputs) for uuid in output}
    row = [owner[document.uuid] for document in documents]
    changes = sum(before != after for before, after in itertools.pairwise(row))
    assert changes >= PROCESSES, json.dumps(row)
