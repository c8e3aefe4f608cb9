"""From OTP to PCSID and through renewal, over HTTP (gateway contract 4.4 to 4.7, 6, 7; acceptance checks 14.4)."""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from khatm.clock import FixedClock, ShiftableClock
from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from tests.csr_maker import CsrRecipe, csr_member, make_csr
from tests.wire.simulator_caller import KINDS, SELLER, Caller, Csid, Unit, fresh, http

SANDBOX, SIMULATION, PRODUCTION = Environment
EXAMPLES = Path(__file__).parents[1] / "data" / "gateway_examples"
STEPS = {
    "standard-invoice": "standard-compliant",
    "standard-credit-note": "standard-credit-note-compliant",
    "standard-debit-note": "standard-debit-note-compliant",
    "simplified-invoice": "simplified-compliant",
    "simplified-credit-note": "simplified-credit-note-compliant",
    "simplified-debit-note": "simplified-debit-note-compliant",
}
INVALID_OTP = {"errors": [{"code": "Invalid-OTP", "message": "The provided OTP is invalid"}]}
INVALID_CSR = {
    "errorCode": "400",
    "errorCategory": "Invalid-CSR",
    "errorMessage": "The provided Certificate Signing Request (CSR) is invalid.",
}
TOKEN = ["requestID", "tokenType", "dispositionMessage", "binarySecurityToken", "secret", "errors"]
X509 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
MISSING = "The compliance certificate is not done with the following compliance steps yet "


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running: EmbeddedSimulator) -> EmbeddedSimulator:
    return fresh(running)


@pytest.fixture
def simulation(simulator: EmbeddedSimulator) -> Caller:
    return Caller(simulator, SIMULATION)


@pytest.fixture(params=[SIMULATION, PRODUCTION])
def strict(simulator: EmbeddedSimulator, request: pytest.FixtureRequest) -> Caller:
    return Caller(simulator, request.param)


@pytest.fixture
def sandbox(simulator: EmbeddedSimulator) -> Caller:
    return Caller(simulator, SANDBOX)


def devices(caller: Caller) -> list[dict[str, Any]]:
    query = {"environment": caller.environment.value, "vat_number": SELLER}
    answer = http().get(caller.simulator.url + "/manage/devices", params=query)
    found: list[dict[str, Any]] = answer.json()["devices"]
    return found


def test_the_worked_example() -> None:
    """14.4.1: the vector of 13.1, issued at its own moment."""
    request = json.loads((EXAMPLES / "13.1-request.json").read_text())
    expected = json.loads((EXAMPLES / "13.1-ccsid.json").read_text())
    moment = datetime(2026, 3, 1, 9, 30, 5, 123000, tzinfo=UTC)
    with EmbeddedSimulator(clock=ShiftableClock(FixedClock(moment))) as other:
        caller = Caller(other, SIMULATION)
        otp = caller.otp(vat_number="300000000000003")
        answer = caller.call("POST", "/compliance", request, OTP=otp)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    members = answer.json()
    assert list(members) == TOKEN == list(expected)
    assert members["requestID"] == expected["requestID"]
    issued = x509.load_der_x509_certificate(Csid.of(members).der)
    published = x509.load_der_x509_certificate(Csid.of(expected).der)
    assert issued.tbs_certificate_bytes == published.tbs_certificate_bytes
    authorization = Csid.of(expected).authorization["Authorization"]
    assert hashlib.sha256(authorization.encode()).hexdigest() == (
        "43b4cec375c676eb9e0b30a16d34f307e3c47e0713807f6ae08aaa27cedbbdc8"
    )


@pytest.mark.parametrize("type_map", ["1000", "0100", "1100"])
def test_every_map_walks_to_its_pcsid(strict: Caller, type_map: str) -> None:
    unit = Unit(strict, type_map)
    begun = unit.begin().json()
    assert list(begun) == TOKEN
    assert (begun["tokenType"], begun["dispositionMessage"], begun["errors"]) == (None, "ISSUED", None)
    [device] = devices(strict)
    assert (device["status"], device["steps_missing"]) == ("Onboarding", [STEPS[kind] for kind in KINDS[type_map]])
    for kind in KINDS[type_map]:
        assert unit.check(kind).status_code == 200
    given = unit.finish().json()
    assert list(given) == TOKEN
    assert (given["tokenType"], given["dispositionMessage"], given["errors"]) == (X509, "ISSUED", None)
    secret = given["secret"]
    assert (len(secret), len(base64.b64decode(secret)), secret[-1]) == (44, 32, "=")
    certificate = x509.load_der_x509_certificate(Csid.of(given).der)
    assert certificate.public_key() == unit.key.public_key()
    [device] = devices(strict)
    assert (device["status"], device["steps_missing"], device["type_map"]) == ("Active", [], type_map)
    assert device["accepted_documents"] == 0, "compliance documents are no tax documents"


@pytest.mark.parametrize("type_map", ["1000", "0100", "1100"])
def test_every_proper_subset_of_steps_is_refused_by_name(simulation: Caller, type_map: str) -> None:
    """14.4.3: 7, 7 and 63 subsets; the list names exactly what is missing, in the contract's order."""
    kinds = KINDS[type_map]
    unit = Unit(simulation, type_map)
    subsets = [chosen for size in range(len(kinds)) for chosen in combinations(kinds, size)]
    assert len(subsets) == 2 ** len(kinds) - 1
    for chosen in subsets:
        unit.begin()
        for kind in reversed(chosen):
            assert unit.check(kind).status_code == 200
        refusal = unit.finish()
        missing = ",".join(STEPS[kind] for kind in kinds if kind not in chosen)
        assert refusal.status_code == 400
        assert refusal.json() == {"code": "Missing-ComplianceSteps", "message": f"{MISSING}[{missing}]"}
    for kind in kinds:
        if kind not in chosen:
            assert unit.check(kind).status_code == 200
    assert unit.finish().status_code == 200


def test_the_list_has_a_switch_for_its_separator() -> None:
    with EmbeddedSimulator(settings=["production.step_list_separator=, ", "production.qr_steps=on"]) as other:
        caller = Caller(other, PRODUCTION)
        unit = Unit(caller, "0100")
        unit.begin()
        unit.check("simplified-invoice")
        message = unit.finish().json()["message"]
    assert message == (
        f"{MISSING}[simplified-credit-note-compliant, simplified-debit-note-compliant, "
        "buyer-qr-code-compliant, seller-qr-code-compliant]"
    )


def test_a_rejected_document_passes_no_step(simulation: Caller) -> None:
    unit = Unit(simulation, "1000")
    unit.begin()
    wrong = unit.document("standard-invoice", unit.ccsid, changes={SELLER: "311111111100003"})
    refused = unit.send("/compliance/invoices", wrong, unit.ccsid)
    assert refused.status_code == 400
    assert refused.json()["clearanceStatus"] == "NOT_CLEARED"
    assert "standard-compliant" in unit.finish().json()["message"]
    assert unit.check("standard-invoice").status_code == 200, "and may be tried again"


def test_a_kind_outside_the_map_is_answered_and_passes_nothing(simulation: Caller) -> None:
    unit = Unit(simulation, "0100")
    unit.begin()
    answer = unit.check("standard-invoice")
    assert answer.status_code == 200
    assert answer.json()["clearanceStatus"] == "CLEARED"
    assert unit.check("standard-invoice").status_code == 200, "no step, so no 406 either"
    [device] = devices(simulation)
    assert device["steps_done"] == []


@pytest.mark.parametrize(
    ("kind", "label", "status"),
    [
        ("standard-invoice", "STANDARD", ("NOT_CLEARED", None)),
        ("standard-debit-note", "STANDARD_DEBIT_NOTE", ("NOT_CLEARED", None)),
        ("simplified-invoice", "SIMPLIFIED", (None, "NOT_REPORTED")),
        ("simplified-credit-note", "SIMPLIFIED_CREDIT_NOTE", (None, "NOT_REPORTED")),
    ],
)
def test_a_step_again_is_submitted_before(
    strict: Caller, kind: str, label: str, status: tuple[str | None, str | None]
) -> None:
    unit = Unit(strict)
    unit.begin()
    assert unit.check(kind).status_code == 200
    again = unit.check(kind)
    assert (again.status_code, again.headers["content-type"]) == (406, "application/json")
    expected = json.loads((EXAMPLES / "13.4-submitted-before.json").read_text())
    [message] = expected["validationResults"]["errorMessages"]
    message["message"] = f"Compliance check already completed for {label}."
    expected["clearanceStatus"], expected["reportingStatus"] = status
    assert again.json() == expected
    assert list(again.json()) == list(expected)


def ask(caller: Caller, otp: str | None, recipe: CsrRecipe | None = None) -> httpx.Response:
    made = recipe or CsrRecipe().for_unit(caller.environment.value, SELLER, "1100")
    headers = {} if otp is None else {"OTP": otp}
    return caller.call("POST", "/compliance", {"csr": csr_member(make_csr(made))}, **headers)


def test_the_otp_matrix(simulator: EmbeddedSimulator, strict: Caller) -> None:
    """14.4.4: valid, used, expired, of another taxpayer, environment and purpose, made up, absent."""
    other = PRODUCTION if strict.environment is SIMULATION else SIMULATION
    otp = strict.otp()
    assert ask(strict, otp).status_code == 200
    expired = strict.otp()
    refused = [
        otp,
        strict.otp(vat_number="311234567800003"),
        simulator.issue_otp(other, SELLER),
        strict.otp("renewal"),
        "123345",
        "12345",
        "abcdef",
    ]
    for code in refused:
        answer = ask(strict, code)
        assert (answer.status_code, answer.json()) == (400, INVALID_OTP)
    simulator.clock.advance(timedelta(minutes=61))
    answer = ask(strict, expired)
    assert (answer.status_code, answer.json()) == (400, INVALID_OTP)
    absent = ask(strict, None)
    assert absent.status_code == 400
    assert absent.json() == {"errors": [{"code": "Missing-OTP", "message": "OTP is required field"}]}


def test_a_refused_request_leaves_the_otp_unused(simulation: Caller) -> None:
    otp = simulation.otp()
    recipe = CsrRecipe().for_unit("simulation", SELLER, "1100")
    for broken in (replace(recipe, curve=ec.SECP256R1()), recipe.for_unit("simulation", "311234567800003", "1100")):
        assert ask(simulation, otp, broken).status_code == 400
    assert ask(simulation, otp, recipe).status_code == 200


def test_csr_refusals(simulation: Caller) -> None:
    otp = simulation.otp()
    missing = {"errors": [{"code": "Missing-CSR", "message": "CSR is required field"}]}
    for members in ({}, {"csr": None}, {"csr": ""}):
        answer = simulation.call("POST", "/compliance", members, OTP=otp)
        assert (answer.status_code, answer.json()) == (400, missing)
    for text in ("MIIB", 5, ["x"], "*"):
        answer = simulation.call("POST", "/compliance", {"csr": text}, OTP=otp)
        assert (answer.status_code, answer.json()) == (400, INVALID_CSR)
        assert list(answer.json()) == list(INVALID_CSR)
    recipe = CsrRecipe().for_unit("simulation", SELLER, "1100")
    long = replace(recipe, unit=recipe.unit | {"SN": "1-KHATM|2-POS|3-" + "9" * 49})
    answer = ask(simulation, otp, long)
    assert answer.status_code == 400
    assert answer.json() == {
        "type": "ERROR",
        "code": "EXCEED_CHARACTER_LIMIT",
        "category": "CSR_VALIDATION",
        "message": "The provided Certificate Signing Request (CSR) is invalid. "
        "Maximum number of characters for Serial Number should be less than or equal to 64.",
        "status": "ERROR",
    }


def test_the_request_id_is_text_or_number_and_the_ccsids_own(simulation: Caller) -> None:
    unit = Unit(simulation, "1000")
    unit.begin()
    for kind in KINDS["1000"]:
        unit.check(kind)
    assert unit.ccsid is not None

    def finish(members: dict[str, object]) -> httpx.Response:
        assert unit.ccsid is not None
        return simulation.call("POST", "/production/csids", members, **unit.ccsid.authorization)

    for members in ({}, {"compliance_request_id": None}, {"compliance_request_id": ""}):
        answer = finish(members)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "Missing-compliance_request_id")
    for wrong in (unit.ccsid.request_id + 1, "x", True, 1.5, ["1"], str(unit.ccsid.request_id) + "0"):
        answer = finish({"compliance_request_id": wrong})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "Invalid-ComplianceRequestId")
    for right in (unit.ccsid.request_id, str(unit.ccsid.request_id)):
        assert finish({"compliance_request_id": right, "unknown": 1}).status_code == 200


def test_a_second_request_gives_another_pcsid_and_the_first_stays(simulation: Caller) -> None:
    unit = Unit(simulation, "1000").onboarded()
    first = unit.pcsid
    assert unit.finish().status_code == 200
    assert first is not None
    assert unit.pcsid is not None
    assert (first.token, first.secret) != (unit.pcsid.token, unit.pcsid.secret)
    assert unit.pcsid.request_id > first.request_id > 0
    for csid in (first, unit.pcsid):
        document = unit.document("standard-invoice")
        assert unit.send("/invoices/clearance/single", document, csid).status_code == 200
    [device] = devices(simulation)
    assert device["accepted_documents"] == 2


def test_a_second_request_can_be_switched_off() -> None:
    with EmbeddedSimulator(settings=["simulation.second_production_csid=refuse"]) as other:
        caller = Caller(other, SIMULATION)
        answer = Unit(caller, "1000").onboarded().finish()
    assert answer.json()["errors"][0]["code"] == "Invalid-ComplianceRequestId"


@pytest.mark.parametrize("template", ["ZATCA-Code-Signing", "TSTZATCA-Code-Signing", "TESTZATCA-Code-Signing"])
def test_a_foreign_template_passes_compliance_and_is_refused_by_the_authority(
    simulation: Caller, template: str
) -> None:
    recipe = CsrRecipe().for_unit("simulation", SELLER, "1000")
    key = ec.generate_private_key(ec.SECP256K1())
    named = replace(recipe, template=b"\x13" + bytes((len(template),)) + template.encode())
    unit = Unit(simulation, "1000", key=key)
    asked = simulation.call("POST", "/compliance", {"csr": csr_member(make_csr(named, key))}, OTP=simulation.otp())
    assert asked.status_code == 200
    unit.ccsid = Csid.of(asked.json())
    for kind in KINDS["1000"]:
        assert unit.check(kind).status_code == 200
    refusal = unit.finish()
    assert refusal.status_code == 400
    assert list(refusal.json()) == TOKEN
    assert refusal.json() == {
        "requestID": -2,
        "tokenType": None,
        "dispositionMessage": "NOT_COMPLIANT",
        "binarySecurityToken": None,
        "secret": None,
        "errors": [
            "unable to submit and sign the csr in zatca side, caused : Denied by Policy Module 0x80094800, The request "
            "was for a certificate template that is not supported by the Active Directory Certificate Services policy: "
            f"{template}.\r\n"
        ],
    }


def renew(unit: Unit, csid: Csid, key: ec.EllipticCurvePrivateKey, otp: str | None = None) -> httpx.Response:
    recipe = CsrRecipe().for_unit(unit.caller.environment.value, unit.vat_number, unit.type_map)
    code = otp or unit.caller.otp("renewal")
    members = {"csr": csr_member(make_csr(recipe, key))}
    return unit.caller.call("PATCH", "/production/csids", members, OTP=code, **csid.authorization)


def test_renewal_by_428_to_the_end(strict: Caller) -> None:
    """14.4.10: the old PCSID works until the new one is there, and is refused afterwards."""
    unit = Unit(strict, "0100").onboarded()
    old = unit.pcsid
    assert old is not None
    key = ec.generate_private_key(ec.SECP256K1())
    answer = renew(unit, old, key)
    assert answer.status_code == 428
    assert list(answer.json()) == TOKEN
    assert (answer.json()["dispositionMessage"], answer.json()["tokenType"]) == ("NOT_COMPLIANT", None)
    assert unit.submit("simplified-invoice").status_code == 200, "the old PCSID is still there"
    before = unit.document("simplified-invoice")
    renewed = Unit(strict, "0100", key=key, ccsid=Csid.of(answer.json()))
    assert MISSING in renewed.finish().json()["message"]
    for kind in KINDS["0100"]:
        assert renewed.check(kind).status_code == 200
    assert renewed.finish().status_code == 200
    assert unit.send("/invoices/reporting/single", before).status_code == 401, "the old pair is dead"
    assert renewed.submit("simplified-invoice").status_code == 200
    carried = renewed.send("/invoices/reporting/single", before)
    assert carried.status_code == 200, "a document stamped before is still of a known CSID of this taxpayer"
    assert renew(unit, old, key).status_code == 401
    [device] = devices(strict)
    assert (device["status"], device["accepted_documents"]) == ("Active", 3)
    issued = x509.load_der_x509_certificate(renewed.pcsid.der if renewed.pcsid else b"")
    assert issued.public_key() == key.public_key()


def test_renewal_with_a_direct_200() -> None:
    with EmbeddedSimulator(settings=["simulation.renewal=200", "simulation.renewal_overlap=60"]) as other:
        caller = Caller(other, SIMULATION)
        unit = Unit(caller, "1000").onboarded()
        old = unit.pcsid
        assert old is not None
        key = ec.generate_private_key(ec.SECP256K1())
        answer = renew(unit, old, key)
        assert answer.status_code == 200
        assert (answer.json()["tokenType"], answer.json()["dispositionMessage"]) == (X509, "ISSUED")
        new = Csid.of(answer.json())
        assert unit.send("/invoices/clearance/single", unit.document("standard-invoice"), old).status_code == 200
        other.clock.advance(timedelta(seconds=61))
        assert unit.send("/invoices/clearance/single", unit.document("standard-invoice"), old).status_code == 401
        assert unit.send("/invoices/clearance/single", unit.document("standard-invoice"), new).status_code == 200


def test_the_wrapped_428_is_a_switch() -> None:
    with EmbeddedSimulator(settings=["production.renewal_428_wrapped=on"]) as other:
        caller = Caller(other, PRODUCTION)
        unit = Unit(caller, "1000").onboarded()
        assert unit.pcsid is not None
        answer = renew(unit, unit.pcsid, unit.key)
    assert answer.status_code == 428
    assert list(answer.json()) == ["value"]
    assert list(answer.json()["value"]) == TOKEN


def test_renewal_refusals(strict: Caller) -> None:
    unit = Unit(strict, "1000").onboarded()
    assert unit.pcsid is not None
    assert unit.ccsid is not None
    assert renew(unit, unit.ccsid, unit.key).status_code == 401, "a CCSID renews nothing"
    for code in (strict.otp("onboarding"), strict.otp("renewal", "311234567800003"), "000001"):
        answer = renew(unit, unit.pcsid, unit.key, code)
        assert (answer.status_code, answer.json()) == (400, INVALID_OTP)
    otp = strict.otp("renewal")
    assert renew(unit, unit.pcsid, ec.generate_private_key(ec.SECP256R1()), otp).json() == INVALID_CSR
    assert renew(unit, unit.pcsid, unit.key, otp).status_code == 428
    assert renew(unit, unit.pcsid, unit.key, otp).json() == INVALID_OTP
    absent = strict.call("PATCH", "/production/csids", {"csr": unit.csr}, **unit.pcsid.authorization)
    assert absent.json()["errors"][0]["code"] == "Missing-OTP"


def test_a_pcsid_gives_no_pcsid(strict: Caller) -> None:
    unit = Unit(strict, "1000").onboarded()
    assert unit.pcsid is not None
    assert unit.ccsid is not None
    members = {"compliance_request_id": unit.ccsid.request_id}
    assert strict.call("POST", "/production/csids", members, **unit.pcsid.authorization).status_code == 401


def test_tokens_of_one_environment_are_unknown_in_the_others(simulator: EmbeddedSimulator) -> None:
    """14.4.13"""
    for own in Environment:
        unit = Unit(Caller(simulator, own), "1000").onboarded()
        for foreign in Environment:
            unit.caller = Caller(simulator, foreign)
            assert unit.submit("standard-invoice").status_code == (200 if foreign is own else 401)


def test_the_sandbox_with_its_constants(sandbox: Caller) -> None:
    """No steps, constant request ids, fixed OTPs, renewal at once, PCSIDs on the caller's key by default."""
    unit = Unit(sandbox)
    assert unit.begin().json()["requestID"] == 1234567890123
    given = unit.finish()
    assert (given.status_code, given.json()["requestID"]) == (200, 30368)
    assert unit.pcsid is not None
    assert x509.load_der_x509_certificate(unit.pcsid.der).public_key() == unit.key.public_key()
    renewed = renew(unit, unit.pcsid, unit.key, "123456")
    assert (renewed.status_code, renewed.json()["requestID"]) == (200, 30368)
    for code in ("123345", "123345", "123456", "12345"):
        assert ask(sandbox, code).status_code == 200
    for code in ("111111", "222222", "000000"):
        assert ask(sandbox, code).json() == INVALID_OTP
    for vat_number in ("311111111101113", "399999999900003"):
        recipe = CsrRecipe().for_unit("production", vat_number, "1100")
        assert ask(sandbox, "123345", recipe).status_code == 200, "any VAT number, any template"


def test_the_sandbox_repeats_checks_without_complaint(sandbox: Caller) -> None:
    unit = Unit(sandbox)
    unit.begin()
    assert [unit.check("simplified-invoice").status_code for _ in range(2)] == [200, 200]


def test_the_canned_sandbox_gives_everybody_one_certificate() -> None:
    with EmbeddedSimulator(settings=["sandbox.pcsid=canned"]) as other:
        caller = Caller(other, SANDBOX)
        units = [Unit(caller), Unit(caller, vat_number="311234567800003")]
        answers = []
        for unit in units:
            unit.begin()
            answers.append(unit.finish().json())
        assert answers[0] == answers[1]
        assert answers[0]["secret"] == "CkYsEXfV8c1gFHAtFWoZv73pGMvh/Qyo4LzKM2h/8Hg="
        certificate = x509.load_der_x509_certificate(Csid.of(answers[0]).der)
        assert certificate.subject.rfc4514_string().startswith("CN=TST-886431145-399999999900003,")
        wrong = units[0].submit("standard-invoice")
        assert wrong.json()["validationResults"]["errorMessages"][0]["code"] == "certificate-permissions"
        right = units[0].submit("standard-invoice", {SELLER: "399999999900003"})
        assert right.status_code == 200


def test_the_canned_sandbox_answers_with_a_configured_file(tmp_path: Path) -> None:
    source = Path(__file__).parents[1] / "data" / "authority" / "certificates" / "own-pcsid-en.der"
    path = tmp_path / "cert.pem"
    path.write_bytes(base64.b64encode(source.read_bytes()))
    with EmbeddedSimulator(canned_certificate=path) as other:
        caller = Caller(other, SANDBOX)
        unit = Unit(caller)
        unit.begin()
        unit.finish()
    assert unit.pcsid is not None
    assert unit.pcsid.der == source.read_bytes()


def test_ccsids_of_one_moment_have_rising_request_ids() -> None:
    moment = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    with EmbeddedSimulator(clock=ShiftableClock(FixedClock(moment))) as other:
        caller = Caller(other, PRODUCTION)
        found = []
        for _ in range(3):
            csid = Csid.of(ask(caller, caller.otp()).json())
            assert x509.load_der_x509_certificate(csid.der).serial_number == csid.request_id
            found.append(csid.request_id)
    first = int(moment.timestamp() * 1000)
    assert found == [first, first + 1, first + 2]
