"""A simplified document issued on a unit's own chain, stamped with the generation that is live."""

from datetime import datetime

from khatm.document.arithmetic import compute
from khatm.document.model import read_document
from khatm.document.writer import ChainPlace, write
from khatm.ledger.documents import IssuedDocument
from khatm.ledger.generations import Generation
from khatm.ledger.issue import ChainPlace as LedgerPlace
from khatm.ledger.ledger import Ledger
from khatm.onboarding.documents import CheckSeller, check_document
from khatm.onboarding.plan import ALL_STEPS
from khatm.stamp.certificate import read_certificate
from khatm.stamp.keys import load_key
from khatm.stamp.signers import FileSigner
from khatm.stamp.xades import StampedInvoice, stamp
from tests.unit.onboarding_stage import SELLER


def issue_simplified(ledger: Ledger, unit: str, now: datetime) -> IssuedDocument:
    """Issue one simplified invoice; it takes the place after the unit's last document."""
    vat_number = ledger.unit(unit).vat_number
    seller = CheckSeller({**SELLER, "vat": vat_number}, placeholder=False)

    def written(place: LedgerPlace, generation: Generation) -> StampedInvoice:
        assert generation.pcsid_token is not None
        signer = FileSigner(load_key(ledger.key_of(generation)), read_certificate(generation.pcsid_token))
        document = compute(read_document(check_document(ALL_STEPS[3], seller, now)))
        chain = ChainPlace(uuid=place.uuid, counter=place.counter, previous_hash=place.previous_hash)
        return stamp(write(document, chain), signer, now)

    before = ledger.unit(unit)
    issued = ledger.issue(unit, written)
    assert (issued.document.icv, issued.document.previous_hash) == (before.next_icv, before.last_hash)
    return issued
