"""What eleven real clients sent, sent again: who gets in, whose documents are taken, and why the others are not.

Expectations: client behaviour, sections 3 (CSRs), 8 (documents) and 9 (item 14). The documents were signed under
certificates of the recorder, so this simulator does not know any signing certificate: that is the one warning
that every stamped document draws beside what the business rules say of it.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest

from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from tests.wire.recorded import Answer, Recording
from tests.wire.recorded_rules import Edition, rules_of

UNKNOWN_CERTIFICATE = "invalid-signing-certificate"
BAD_SIGNATURE = "invalid-digital-signature"
ALL_STEPS = (
    "standard-compliant,standard-credit-note-compliant,standard-debit-note-compliant,"
    "simplified-compliant,simplified-credit-note-compliant,simplified-debit-note-compliant"
)
TAKEN = [
    "aashahin-zatca-sdk",
    "dokhna",
    "erpgulf",
    "fatoora-rs",
    "saleh7-php-zatca-xml",
    "zatca-tools-sdk",
    "zidsa-zatca-fixed",
]
DOCUMENTS = {"aashahin-zatca-sdk": 5, "fatoora-rs": 5, "saleh7-php-zatca-xml": 5, "zatca-tools-sdk": 5}
"""Live documents recorded, where not four."""
OTHERS = {"ZatcaPython": 12, "jaicome": 10, "malik12tree-zatca": 10, "zatca-xml-js": 5, "zidsa-zatca": 10}
"""Clients that do not come through as they are, and how many documents of theirs are recorded."""


def replay(
    corpus: Path, client: str, *settings: str, environment: Environment = Environment.SIMULATION
) -> list[Answer]:
    with EmbeddedSimulator(settings=[f"{environment}.renewal=200", *settings]) as simulator:
        return list(Recording(corpus / "wire" / client).replay(simulator, environment))


def documents(answers: Iterable[Answer], endpoint: str) -> list[Answer]:
    return [answer for answer in answers if answer.is_document and endpoint in answer.endpoint]


def the(answers: list[Answer], endpoint: str) -> Answer:
    [answer] = [answer for answer in answers if answer.endpoint == endpoint]
    return answer


def rules(answer: Answer, kind: str) -> set[str]:
    """The business rules among the codes of the answer's messages of that kind."""
    return {code for code in answer.codes(kind) if code is not None and code.startswith(("BR-", "GENERAL"))}


def assert_refused_for(answer: Answer, expected: set[str], *, possible: Iterable[str] = ()) -> None:
    assert (answer.status, answer.accepted) == (400, False), answer.name
    found = answer.codes("error")
    assert found >= expected, answer.name
    assert found <= expected.union(possible), answer.name


@pytest.mark.parametrize("client", TAKEN)
def test_a_sound_client_comes_through_with_every_document(shared_corpus: Path, client: str) -> None:
    answers = replay(shared_corpus, client)
    for answer in answers:
        if answer.is_document:
            assert (answer.status, answer.accepted) == (202, True), (answer.name, answer.body)
            errors, warnings = rules_of(client, "3.4.8", answer)
            assert (answer.codes("error"), answer.codes("warning")) == (errors, {UNKNOWN_CERTIFICATE, *warnings})
        else:
            assert (answer.status, answer.body["dispositionMessage"]) == (200, "ISSUED"), answer.name
    assert len(documents(answers, "/compliance/")) == 6
    assert len(documents(answers, "/single")) == DOCUMENTS.get(client, 4)


@pytest.mark.parametrize("edition", ["3.4.8", "3.3.3"])
@pytest.mark.parametrize("client", [*TAKEN, *OTHERS])
def test_rules_say_of_every_document_what_the_official_ones_do(
    shared_corpus: Path, client: str, edition: Edition
) -> None:
    # The sandbox stops at no certificate and at no missing step, so every recorded document is judged.
    switches = [f"sandbox.rules={edition}", "sandbox.csr_p256=accept", "sandbox.csr_sha1=accept"]
    answers = replay(shared_corpus, client, *switches, environment=Environment.SANDBOX)
    judged = [answer for answer in answers if answer.is_document]
    assert len(judged) == OTHERS.get(client, 6 + DOCUMENTS.get(client, 4))
    for answer in judged:
        assert (rules(answer, "error"), rules(answer, "warning")) == rules_of(client, edition, answer), answer.name


@pytest.mark.parametrize("client", ["jaicome", "malik12tree-zatca"])
def test_a_csr_on_another_curve_or_hash_is_refused(shared_corpus: Path, client: str) -> None:
    [answer] = replay(shared_corpus, client)
    assert answer.status == 400
    assert answer.body == {
        "errorCode": "400",
        "errorCategory": "Invalid-CSR",
        "errorMessage": "The provided Certificate Signing Request (CSR) is invalid.",
    }


def test_jaicome_let_in_by_a_switch_fails_with_its_key(shared_corpus: Path) -> None:
    # A stamp that is right under a key on prime256v1 is no stamp of a unit.
    answers = replay(shared_corpus, "jaicome", "simulation.csr_p256=accept")
    assert the(answers, "POST /compliance").status == 200
    checks = documents(answers, "/compliance/")
    assert len(checks) == 6
    for answer in checks:
        assert_refused_for(answer, {BAD_SIGNATURE})
    assert ALL_STEPS in the(answers, "POST /production/csids").body["message"]


def test_malik12_let_in_by_a_switch_fails_with_its_signature(shared_corpus: Path) -> None:
    # It signs the base64 text of the digest instead of the digest.
    answers = replay(shared_corpus, "malik12tree-zatca", "simulation.csr_sha1=accept")
    assert the(answers, "POST /compliance").status == 200
    checks = documents(answers, "/compliance/")
    assert len(checks) == 6
    for answer in checks:
        # Its QR says 1.5 where the document says 1.50.
        assert rules(answer, "error") == set()
        assert_refused_for(answer, {BAD_SIGNATURE}, possible=["invoiceVatTotal_QRCODE_INVALID"])
    assert ALL_STEPS in the(answers, "POST /production/csids").body["message"]


def test_zid_as_shipped_fails_with_its_hash(shared_corpus: Path) -> None:
    # Its templates end in a line feed that is no part of what it hashes; the signature covers the wrong digest too.
    answers = replay(shared_corpus, "zidsa-zatca")
    assert the(answers, "POST /compliance").status == 200
    checks = documents(answers, "/compliance/")
    assert len(checks) == 6
    for answer in checks:
        assert_refused_for(answer, {"invalid-invoice-hash", "invoiceHash_QRCODE_INVALID"}, possible=[BAD_SIGNATURE])
    refusal = the(answers, "POST /production/csids")
    assert (refusal.status, refusal.body["code"]) == (400, "Missing-ComplianceSteps")
    assert f"[{ALL_STEPS}]" in refusal.body["message"]
    assert documents(answers, "/single") == [], "without a production certificate nothing can be submitted"


def test_zatcapython_passes_its_checks_and_then_cuts_the_qr(shared_corpus: Path) -> None:
    # Standard documents go bare. Tag 9 is searched for from the end of the certificate and cut when the authority's
    # signature holds the byte 0x30 again, which happened with the certificate of the recording's live part.
    answers = replay(shared_corpus, "ZatcaPython", "simulation.rules=3.3.3")
    assert the(answers, "POST /compliance").status == 200, "a template without any ASN.1 header is read"
    for answer in [*documents(answers, "/compliance/"), *documents(answers, "/clearance/")]:
        expected = (202, {UNKNOWN_CERTIFICATE}) if answer.is_stamped else (200, set())
        assert (answer.status, answer.codes("warning")) == expected, answer.name
        assert answer.accepted
    assert the(answers, "POST /production/csids").status == 200
    reported = documents(answers, "/reporting/")
    assert len(reported) == 3
    for answer in reported:
        assert_refused_for(answer, {"CERTIFICATE_SIGNATURE_QRCODE_INVALID"})


def test_zatcapython_is_stopped_by_the_newer_rules(shared_corpus: Path) -> None:
    # It writes the price-level allowance as a charge, which 3.3.3 let pass: no check is passed, no PCSID given.
    answers = replay(shared_corpus, "ZatcaPython")
    checks = documents(answers, "/compliance/")
    assert len(checks) == 6
    for answer in checks:
        assert_refused_for(answer, {"BR-KSA-EN16931-06"})
        assert ("BR-KSA-98" in answer.codes("warning")) == (answer.profile == "02")
    assert ALL_STEPS in the(answers, "POST /production/csids").body["message"]


def test_zatca_xml_js_belongs_into_the_sandbox(shared_corpus: Path) -> None:
    # It knows no simulation template; in the sandbox any template text passes and the stamp is hardly looked at.
    # Its QR ends the time in Z where the document does not: the gateway's warning for that (gateway contract 5.3).
    answers = replay(shared_corpus, "zatca-xml-js", environment=Environment.SANDBOX)
    assert [answer.status for answer in answers if not answer.is_document] == [200, 200]
    taken = [answer for answer in answers if answer.is_document]
    assert len(taken) == 5
    for answer in taken:
        assert answer.accepted, answer.body
        errors, warnings = rules_of("zatca-xml-js", "3.4.8", answer)
        assert (answer.codes("error"), answer.codes("warning")) == (
            errors,
            {"invoiceTimeStamp_QRCODE_INVALID", *warnings},
        )


def test_zatca_xml_js_gets_no_certificate_in_simulation(shared_corpus: Path) -> None:
    # The authority behind the gateway refuses the template when the production certificate is asked for (6.4).
    answers = replay(shared_corpus, "zatca-xml-js")
    refusal = the(answers, "POST /production/csids")
    assert (refusal.status, refusal.body["requestID"], refusal.body["dispositionMessage"]) == (
        400,
        -2,
        "NOT_COMPLIANT",
    )
    assert "TSTZATCA-Code-Signing" in refusal.body["errors"][0]
