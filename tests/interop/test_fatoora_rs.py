"""fatoora-rs 0.3.0, unmodified, against the simulator: onboarding, submission, repetition, renewal."""

from collections.abc import Callable

import pytest

pytest.importorskip("fatoora", reason="fatoora-rs has no wheel for this platform")

import fatoora

from khatm.environment import Environment
from tests.interop.authority import PROFILES, SANDBOX_VAT_NUMBER, Authority, documents_of, fresh_vat_number
from tests.interop.conftest import BOTH
from tests.interop.fatoora_rs import FatooraRsUnit

STEPS = {"invoice": "compliant", "credit": "credit-note-compliant", "debit": "debit-note-compliant"}
ACCEPTED = fatoora.InvoiceOutcome.ACCEPTED


@pytest.fixture
def unit(authority: Authority, environment: Environment, type_map: str) -> FatooraRsUnit:
    return FatooraRsUnit(authority.url, environment, fresh_vat_number(), type_map)


def onboard(unit: FatooraRsUnit, authority: Authority, environment: Environment) -> None:
    unit.request_compliance_certificate(authority.otp(environment, unit.vat_number))
    for profile, kind in documents_of(unit.type_map):
        assert unit.check(profile, kind).outcome() == ACCEPTED
    unit.request_production_certificate()


def refused(error: type[Exception], call: Callable[..., object], *arguments: object) -> str:
    """What the client's own error says; the client itself is not kept alive by the traceback."""
    with pytest.raises(error) as caught:
        call(*arguments)
    text = str(caught.value)
    caught.value.__traceback__ = None
    return text


@pytest.mark.parametrize("environment", BOTH)
@pytest.mark.parametrize("type_map", PROFILES)
def test_walks_from_a_csr_to_accepted_documents(
    authority: Authority, environment: Environment, type_map: str, unit: FatooraRsUnit
) -> None:
    assert authority.devices(environment, unit.vat_number) == []
    unit.request_compliance_certificate(authority.otp(environment, unit.vat_number))
    assert authority.device(environment, unit.vat_number)["status"] == "Onboarding"

    checks = documents_of(type_map)
    for profile, kind in checks[:-1]:
        assert unit.check(profile, kind).outcome() == ACCEPTED
    profile, kind = checks[-1]
    answer = refused(fatoora.FfiError, unit.request_production_certificate)
    assert "Missing-ComplianceSteps" in answer
    assert f"[{profile}-{STEPS[kind]}]" in answer
    assert unit.check(profile, kind).outcome() == ACCEPTED
    unit.request_production_certificate()

    device = authority.device(environment, unit.vat_number)
    assert device["status"] == "Active"
    assert device["accepted_documents"] == 0, "compliance documents are no tax documents"
    for profile, kind in checks:
        document = unit.document(profile, kind)
        response = unit.send(document)
        assert response.outcome() == ACCEPTED
        # Its builder knows no supply date, so its standard invoices draw the warning BR-KSA-15 (client-behaviour 8).
        assert response.http_status() == (202 if (profile, kind) == ("standard", "invoice") else 200)
        assert (response.clearance_status(), response.reporting_status()) == (
            ("CLEARED", None) if profile == "standard" else (None, "REPORTED")
        )
        if profile == "standard":
            cleared = response.cleared_invoice_xml()
            assert fatoora.invoice_hash_base64_from_xml_str(cleared) == document.invoice_hash()
    assert authority.device(environment, unit.vat_number)["accepted_documents"] == len(checks)


@pytest.mark.parametrize(("environment", "type_map"), [(Environment.SIMULATION, "1100")])
def test_judges_repeated_documents_as_recorded(
    authority: Authority, environment: Environment, unit: FatooraRsUnit
) -> None:
    # client-behaviour 7: 208 on clearance is a success to it, 409 on reporting is not.
    onboard(unit, authority, environment)
    standard, simplified = unit.document("standard", "invoice"), unit.document("simplified", "invoice")
    first = unit.send(standard)
    again = unit.send(standard)
    assert (again.http_status(), again.outcome()) == (208, ACCEPTED)
    assert again.cleared_invoice_xml() == first.cleared_invoice_xml()
    assert unit.send(simplified).outcome() == ACCEPTED
    assert "HTTP 409" in refused(fatoora.ApiError, unit.send, simplified)
    assert authority.device(environment, unit.vat_number)["accepted_documents"] == 2


@pytest.mark.parametrize(("environment", "type_map"), [(each, "1100") for each in BOTH])
def test_a_compliance_certificate_submits_nothing(
    authority: Authority, environment: Environment, unit: FatooraRsUnit
) -> None:
    unit.request_compliance_certificate(authority.otp(environment, unit.vat_number))
    held = unit.compliance
    unit.production = fatoora.CsidProduction.new(
        unit.environment, held.binary_security_token(), held.secret(), held.request_id()
    )
    for profile in ("standard", "simplified"):
        refused(fatoora.UnauthorizedError, unit.submit, profile, "invoice")
    assert authority.device(environment, unit.vat_number)["status"] == "Onboarding"


@pytest.mark.parametrize(("environment", "type_map"), [(each, "1100") for each in BOTH])
def test_reads_the_refusal_of_a_wrong_or_used_otp(
    authority: Authority, environment: Environment, unit: FatooraRsUnit
) -> None:
    otp = authority.otp(environment, unit.vat_number)
    wrong = f"{(int(otp) + 1) % 1_000_000:06d}"
    assert "Invalid-OTP" in refused(fatoora.FfiError, unit.request_compliance_certificate, wrong)
    unit.request_compliance_certificate(otp)
    assert "Invalid-OTP" in refused(fatoora.FfiError, unit.request_compliance_certificate, otp)


@pytest.mark.parametrize(("environment", "type_map"), [(each, "1100") for each in BOTH])
def test_renews_at_once_where_the_answer_is_200(
    prompt_authority: Authority, environment: Environment, type_map: str
) -> None:
    unit = FatooraRsUnit(prompt_authority.url, environment, fresh_vat_number(), type_map)
    onboard(unit, prompt_authority, environment)
    assert unit.submit("simplified", "invoice").outcome() == ACCEPTED
    renewed = unit.renew(prompt_authority.otp(environment, unit.vat_number, "renewal"))
    left_behind = unit.document("simplified", "invoice")
    refused(fatoora.UnauthorizedError, unit.send, left_behind)
    unit.switch_to(renewed)
    for profile, kind in documents_of(type_map):
        assert unit.submit(profile, kind).outcome() == ACCEPTED
    devices = prompt_authority.devices(environment, unit.vat_number)
    assert [each["status"] for each in devices].count("Active") == 1


@pytest.mark.parametrize(("environment", "type_map"), [(each, "1100") for each in BOTH])
def test_renews_through_428_with_the_checks_in_the_callers_hands(
    authority: Authority, environment: Environment, unit: FatooraRsUnit
) -> None:
    # It takes 428 for a success and hands out the new compliance certificate as if it were the production one.
    onboard(unit, authority, environment)
    assert unit.submit("simplified", "invoice").outcome() == ACCEPTED
    old = unit.production
    held = unit.renew(authority.otp(environment, unit.vat_number, "renewal"))
    unit.production = held
    refused(fatoora.UnauthorizedError, unit.submit, "simplified", "invoice")
    unit.production = old
    assert unit.submit("simplified", "invoice").outcome() == ACCEPTED, "the old certificate lives until the switch"

    unit.go_back_to_compliance(held)
    for profile, kind in documents_of(unit.type_map):
        assert unit.check(profile, kind).outcome() == ACCEPTED
    unit.request_production_certificate()
    for profile, kind in documents_of(unit.type_map):
        assert unit.submit(profile, kind).outcome() == ACCEPTED
    unit.production = old
    refused(fatoora.UnauthorizedError, unit.submit, "simplified", "invoice")
    devices = authority.devices(environment, unit.vat_number)
    assert [each["status"] for each in devices].count("Active") == 1


def test_signs_in_the_sandbox_only_with_a_certificate_of_its_own_key(sandbox: tuple[Authority, str]) -> None:
    # client-behaviour 5: with the one canned certificate it gets as far as holding it, and then refuses to sign.
    authority, pcsid = sandbox
    unit = FatooraRsUnit(authority.url, Environment.SANDBOX, SANDBOX_VAT_NUMBER, "1100")
    if pcsid == "canned":
        unit.request_compliance_certificate("123345")
        assert unit.check("simplified", "invoice").outcome() == ACCEPTED
        unit.request_production_certificate()
        assert unit.production.request_id() == "30368"
        assert "does not match" in refused(fatoora.InvalidInputError, unit.document, "simplified", "invoice")
        return
    onboard(unit, authority, Environment.SANDBOX)
    for profile, kind in documents_of("1100"):
        assert unit.submit(profile, kind).outcome() == ACCEPTED
    unit.switch_to(unit.renew("123456"))
    assert unit.submit("simplified", "invoice").outcome() == ACCEPTED
