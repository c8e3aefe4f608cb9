"""Every mutated vector over HTTP to the simulation: each is answered with the code that its fault calls for.

The documents are stamped under a certificate that the simulator did not issue, so it is made one of the taxpayer's
first. The table is written from the gateway contract, section 5, and the failing check that the vectors name.
"""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from khatm.clock import ShiftableClock
from khatm.environment import Environment
from khatm.simulator.certificates import read_issued
from khatm.simulator.csr import read_csr
from khatm.simulator.embedded import EmbeddedSimulator
from tests.stamp_vectors import SIGNED_AT, VectorDocument, document, documents, file
from tests.wire.simulator_caller import Caller, Csid

SECRET = "EvolMW6UXYv+ZmHW2s6myzdfwqEDHG16uFjdDufKPzQ="

Codes = tuple[set[str], set[str]]
"""Codes of the errors and of the warnings."""

ACCEPTED: Codes = (set(), set())
EXPECTED: dict[str, Codes] = {
    # Harmless differences. A Z in tag 3 alone is one for us; the gateway warns, and accepts (5.3).
    "ok-comment-added": ACCEPTED,
    "ok-crlf": ACCEPTED,
    "ok-high-s": ACCEPTED,
    "ok-qr-3-z": (set(), {"invoiceTimeStamp_QRCODE_INVALID"}),
    "ok-qr-white-space": ACCEPTED,
    "ok-signed-properties-minified": ACCEPTED,
    "ok-signed-properties-other-indent": ACCEPTED,
    "ok-signing-time-z": ACCEPTED,
    # invoice_digest, and what hangs together with it when the content changed
    "content-changed": (
        {"invalid-invoice-hash", "invoiceHash_QRCODE_INVALID", "invalid-digital-signature"},
        set(),
    ),
    "element-white-space-added": (
        {"invalid-invoice-hash", "invoiceHash_QRCODE_INVALID", "invalid-digital-signature"},
        set(),
    ),
    "digest-value-changed": ({"invalid-invoice-hash"}, set()),
    # signature_value
    "signature-not-der": ({"invalid-digital-signature"}, set()),
    "signature-other-key": ({"invalid-digital-signature"}, set()),
    "signature-over-base64": ({"invalid-digital-signature"}, set()),
    "signature-prehashed": ({"invalid-digital-signature"}, set()),
    # signed_properties_digest
    "signed-properties-raw-digest": ({"signed-properties-hashing"}, set()),
    "signed-properties-reindented": ({"signed-properties-hashing"}, set()),
    "signing-time-changed": ({"signed-properties-hashing"}, set()),
    # certificate_digest, certificate_single_line (unreadable to the authority), issuer_name and serial_number (5.2: a
    # warning); a serial number in hexadecimal is no xs:integer, so the schema refuses it too
    "certificate-digest-of-der": ({"certificate-hashing"}, set()),
    "certificate-digest-raw": ({"certificate-hashing"}, set()),
    "certificate-wrapped": ({"invalid-certificate"}, set()),
    "issuer-encoded-order": (set(), {"certificate-issuer-name"}),
    "issuer-no-space": (set(), {"certificate-issuer-name"}),
    "serial-hex": ({"XSD_ZATCA_INVALID"}, {"certificate-issuer-name"}),
    # the other certificate has the same key, and is none of this taxpayer's here
    "certificate-swapped": (
        {"certificate-hashing", "CERTIFICATE_SIGNATURE_QRCODE_INVALID"},
        {"certificate-issuer-name", "invalid-signing-certificate"},
    ),
    # stamp_present, cac_signature_present, qr_present: the KSA rules on the stamp's structure, and the check itself
    "no-extensions": ({"BR-KSA-28", "invalid-digital-signature"}, {"BR-KSA-29"}),
    "no-cac-signature": ({"BR-KSA-30"}, {"BR-KSA-29", "BR-KSA-60"}),
    "no-qr": ({"QRCODE_INVALID"}, {"BR-KSA-27"}),
    # qr_tlv; an empty object breaks the rules on attachments too, and text outside base64 the schema
    "long-name-plain-length": ({"QRCODE_INVALID"}, set()),
    "qr-empty": ({"QRCODE_INVALID", "BR-CL-KSA-14", "BR-KSA-28", "BR-KSA-30"}, {"BR-KSA-27"}),
    "qr-not-base64": ({"QRCODE_INVALID", "XSD_ZATCA_INVALID"}, set()),
    "qr-order": ({"QRCODE_INVALID"}, set()),
    "qr-truncated": ({"QRCODE_INVALID"}, set()),
    # qr_1 to qr_9; tag 3 is only a warning at the gateway
    "qr-1": ({"sellerName_QRCODE_INVALID"}, set()),
    "qr-2": ({"sellerVatNumber_QRCODE_INVALID"}, set()),
    "qr-3": (set(), {"invoiceTimeStamp_QRCODE_INVALID"}),
    "qr-4": ({"invoiceTotal_QRCODE_INVALID"}, set()),
    "qr-4-tax-inclusive": ({"invoiceTotal_QRCODE_INVALID"}, set()),
    "qr-5": ({"invoiceVatTotal_QRCODE_INVALID"}, set()),
    "qr-6": ({"invoiceHash_QRCODE_INVALID"}, set()),
    "qr-6-raw": ({"invoiceHash_QRCODE_INVALID"}, set()),
    "qr-7-raw": ({"INVOICE_SIGNATURE_VALUE_QRCODE_INVALID"}, set()),
    "qr-8-base64": ({"publicKey_QRCODE_INVALID"}, set()),
    "qr-8-point": ({"publicKey_QRCODE_INVALID"}, set()),
    "qr-9-base64": ({"CERTIFICATE_SIGNATURE_QRCODE_INVALID"}, set()),
    "qr-9-missing": ({"CERTIFICATE_SIGNATURE_QRCODE_INVALID"}, set()),
    "qr-9-other": ({"CERTIFICATE_SIGNATURE_QRCODE_INVALID"}, set()),
}


@pytest.fixture(scope="module")
def simulator() -> Iterator[EmbeddedSimulator]:
    """A simulator on the day of the vectors; it knows no duplicates, as many mutations have one and the same hash."""
    clock = ShiftableClock()
    clock.set(SIGNED_AT)
    with EmbeddedSimulator(settings=["simulation.duplicates=off"], clock=clock) as running:
        yield running


@pytest.fixture(scope="module")
def pcsid(simulator: EmbeddedSimulator) -> Csid:
    """The credential of the vectors' unit: its own PCSID, entered into the authority's books."""
    fatoora = simulator.fatoora
    environment, now = Environment.SIMULATION, simulator.clock.now()
    switches = fatoora.switches(environment)
    csr = read_csr(csr_member(), switches)
    issued = read_issued(file("certificates/own-pcsid-en.der"))
    device = fatoora.registry.add_device(environment, csr, now)
    fatoora.registry.add_credential(
        device_id=device,
        environment=environment,
        kind="pcsid",
        request_id=1,
        issued=issued,
        secret=SECRET,
        request=csr.der,
        now=now,
    )
    fatoora.registry.activate(device, csr, now)
    return Csid(issued.token, SECRET, 1)


@pytest.fixture
def caller(simulator: EmbeddedSimulator) -> Caller:
    """A caller of the simulation."""
    return Caller(simulator, Environment.SIMULATION)


def csr_member() -> str:
    """The unit's request as `POST /compliance` takes it."""
    return base64.b64encode(file("csr/own-en.simulation.csr.pem")).decode()


def send(caller: Caller, pcsid: Csid, vector: VectorDocument) -> tuple[int, dict[str, Any]]:
    """Report or clear a document."""
    path = "/invoices/reporting/single" if vector.simplified else "/invoices/clearance/single"
    answer = caller.call("POST", path, vector.body, **pcsid.authorization)
    return answer.status_code, answer.json()


def codes(members: dict[str, Any]) -> Codes:
    """The codes of an answer."""
    results = members["validationResults"]
    return {each["code"] for each in results["errorMessages"]}, {each["code"] for each in results["warningMessages"]}


def test_every_mutated_document_is_in_the_table() -> None:
    assert {vector.name for vector in documents("mutated")} == set(EXPECTED)
    harmless = {vector.name for vector in documents("mutated") if not vector.failing_checks}
    assert harmless == {name for name in EXPECTED if name.startswith("ok-")}
    unnoticed = {name for name, expected in EXPECTED.items() if expected == ACCEPTED}
    assert unnoticed <= harmless, "a fault that draws no code at all"


@pytest.mark.parametrize("vector", documents("mutated"), ids=lambda each: each.name)
def test_mutation_draws_the_code_of_its_fault(caller: Caller, pcsid: Csid, vector: VectorDocument) -> None:
    status, members = send(caller, pcsid, vector)
    errors, warnings = EXPECTED[vector.name]
    assert codes(members) == (errors, warnings)
    assert status == (400 if errors else 202 if warnings else 200)
    assert members["reportingStatus"] == ("NOT_REPORTED" if errors else "REPORTED")


@pytest.mark.parametrize(
    "name",
    ["simplified-invoice", "simplified-credit-note", "simplified-debit-note", "simplified-rounding", "simplified-usd",
     "simplified-comment", "long-name"],
)  # fmt: skip
def test_unharmed_simplified_document_is_reported(caller: Caller, pcsid: Csid, name: str) -> None:
    status, members = send(caller, pcsid, document(name))
    assert (status, codes(members), members["reportingStatus"]) == (200, ACCEPTED, "REPORTED")


@pytest.mark.parametrize("name", ["standard-invoice", "standard-credit-note", "standard-debit-note"])
def test_unharmed_standard_document_is_cleared(caller: Caller, pcsid: Csid, name: str) -> None:
    status, members = send(caller, pcsid, document(name))
    assert (status, codes(members), members["clearanceStatus"]) == (200, ACCEPTED, "CLEARED")


@pytest.mark.parametrize("name", ["simplified-invoice.own-ccsid-en", "simplified-invoice.own-pcsid-ar"])
def test_stamp_under_a_certificate_of_nobodys_is_warned_about(caller: Caller, pcsid: Csid, name: str) -> None:
    status, members = send(caller, pcsid, document(name))
    assert (status, codes(members)) == (202, (set(), {"invalid-signing-certificate"}))


def test_standard_document_with_a_foreign_stamp_is_refused(caller: Caller, pcsid: Csid) -> None:
    """A stamp that is there is checked, on a standard document too (gateway contract 3)."""
    status, members = send(caller, pcsid, document("standard-invoice.platform-stamp"))
    assert (status, codes(members)) == (400, ({"invalid-digital-signature"}, set()))
    assert (members["clearanceStatus"], members["clearedInvoice"]) == ("NOT_CLEARED", None)
