"""What is claimed about a document: by its row in the ledger, or by its line in an auditor's pack."""

from dataclasses import dataclass

from khatm.errors import KhatmError
from khatm.ledger.generations import Generation
from khatm.stamp.certificate import Certificate, read_certificate
from khatm.stamp.csr import public_point


@dataclass(frozen=True, slots=True)
class Record:
    """One document as it is recorded; all of it is compared with the stamped bytes."""

    icv: int
    uuid: str
    invoice_hash: str
    previous_hash: str
    profile: str
    type_code: str
    transaction_code: str
    issue_date: str
    issue_time: str
    payable: str
    vat_total: str
    deadline: str | None
    """The end of the 24 hours, as `schema.moment_text` writes it."""
    generation: str
    """The label (G1 …) of the credentials that stamped it."""


@dataclass(frozen=True, slots=True)
class StampKey:
    """What the stamps of one credential generation must show.

    `certificate` is None where the stored token holds none. `point` is the public key (65 bytes) of the unit where the
    certificate is the sandbox's canned one and holds another.
    """

    label: str
    certificate: Certificate | None
    point: bytes | None = None


def stamp_key(generation: Generation) -> StampKey:
    """Return the key of a stored generation: its production certificate, and the CSR's key where that is foreign."""
    try:
        certificate = None if generation.pcsid_token is None else read_certificate(generation.pcsid_token)
        point = public_point(generation.csr_pem) if generation.foreign_certificate else None
    except KhatmError:
        return StampKey(generation.label, None)
    return StampKey(generation.label, certificate, point)
