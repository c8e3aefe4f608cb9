"""The secrets of a ledger, opened: what a search for canaries looks for is what was really in use."""

import base64
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from khatm.ledger import journal
from khatm.ledger.home import Home
from khatm.ledger.ledger import Ledger
from khatm.stamp.certificate import decode_token
from tests.crash.canaries import Canary


def key_canaries(ledger: Ledger, unit: str) -> list[Canary]:
    """The private keys; each is proven to be the one that its certificate is about."""
    found = []
    for generation in ledger.generations(unit):
        key: Any = load_pem_private_key(ledger.key_of(generation), None)
        token = generation.pcsid_token or generation.ccsid_token
        if token is not None:
            pem = f"-----BEGIN CERTIFICATE-----\n{decode_token(token)}\n-----END CERTIFICATE-----\n"
            assert x509.load_pem_x509_certificate(pem.encode()).public_key() == key.public_key()
        scalar = key.private_numbers().private_value
        found += [
            Canary(f"key {unit} {generation.label}", scalar.to_bytes(32, "big")),
            Canary(f"key {unit} {generation.label} in decimal", str(scalar).encode()),
        ]
    assert found
    return found


def sealed_otps(ledger: Ledger, home: Home, unit: str) -> list[str]:
    """The one-time passwords that the journal keeps, opened."""
    with ledger._store.read() as connection:
        calls = journal.of_unit(connection, ledger.unit(unit).id, only_open=False)
    sealed = [(each.facts["sealed_otp"], each.generation_id) for each in calls if "sealed_otp" in each.facts]
    custodian = home.custodian()
    return [custodian.open(base64.b64decode(str(otp)), f"otp of generation {of}").decode() for otp, of in sealed]
