"""zatca-tools-sdk 0.1.3, unmodified, against the simulator: onboarding, submission, repetition, renewal."""

from base64 import b64decode

import pytest

pytest.importorskip("zatca_tools", reason="zatca-tools-sdk is not installed (pip install .[peers])")

from zatca_tools.errors import AuthenticationError, ZatcaRequestError
from zatca_tools.onboarding import forms_for
from zatca_tools.results import CsidResult

from khatm.environment import Environment
from tests.interop.authority import PROFILES, SANDBOX_VAT_NUMBER, Authority, documents_of, fresh_vat_number
from tests.interop.conftest import BOTH
from tests.interop.tools_sdk import ToolsSdkUnit

STATUS = {"standard": "CLEARED", "simplified": "REPORTED"}


def refusals(unit: ToolsSdkUnit, otp: str) -> list[str | None]:
    with pytest.raises(ZatcaRequestError) as caught:
        unit.onboard(otp)
    return [error.code for error in caught.value.errors]


@pytest.mark.parametrize("environment", BOTH)
@pytest.mark.parametrize("type_map", PROFILES)
def test_walks_from_a_csr_to_accepted_documents(authority: Authority, environment: Environment, type_map: str) -> None:
    vat_number = fresh_vat_number()
    with ToolsSdkUnit(authority.url, environment, vat_number, type_map) as unit:
        before = len(authority.calls())
        unit.onboard(authority.otp(environment, vat_number))
        made = [path.rpartition(f"/{environment.path_segment}/")[2] for _, path, _ in authority.calls()[before:]]
        documents = documents_of(type_map)
        assert made == ["compliance", *["compliance/invoices"] * len(documents), "production/csids"]
        device = authority.device(environment, vat_number)
        assert device["status"] == "Active"
        assert device["accepted_documents"] == 0, "compliance documents are no tax documents"

        for profile, kind in documents:
            result = unit.submit(profile, kind)
            assert (result.success, result.status) == (True, STATUS[profile]), result.errors
            assert (result.cleared_xml is not None) == (profile == "standard")
        assert authority.device(environment, vat_number)["accepted_documents"] == len(documents)


@pytest.mark.parametrize("environment", BOTH)
def test_hears_which_checks_are_missing(authority: Authority, environment: Environment) -> None:
    vat_number = fresh_vat_number()
    with ToolsSdkUnit(authority.url, environment, vat_number, "1100") as unit:
        steps = unit.zatca.onboarding()
        keys = steps.generate_csr(unit.csr_request())
        compliance = steps.request_compliance_csid(keys, authority.otp(environment, vat_number))
        assert authority.device(environment, vat_number)["status"] == "Onboarding"
        steps.run_compliance_checks(compliance.credentials(keys.private_key), forms=("standard",))
        with pytest.raises(ZatcaRequestError) as caught:
            steps.request_production_csid(compliance)
        assert caught.value.http_status == 400
        missing = "simplified-compliant,simplified-credit-note-compliant,simplified-debit-note-compliant"
        assert caught.value.body == {
            "code": "Missing-ComplianceSteps",
            "message": (f"The compliance certificate is not done with the following compliance steps yet [{missing}]"),
        }
        assert authority.device(environment, vat_number)["status"] == "Onboarding"


@pytest.mark.parametrize("environment", BOTH)
def test_reads_the_refusal_of_a_wrong_or_used_otp(authority: Authority, environment: Environment) -> None:
    vat_number = fresh_vat_number()
    with ToolsSdkUnit(authority.url, environment, vat_number, "0100") as unit:
        otp = authority.otp(environment, vat_number)
        assert refusals(unit, f"{(int(otp) + 1) % 1_000_000:06d}") == ["Invalid-OTP"]
        unit.onboard(otp)
        assert refusals(unit, otp) == ["Invalid-OTP"]


@pytest.mark.parametrize("environment", BOTH)
def test_a_compliance_certificate_submits_nothing(authority: Authority, environment: Environment) -> None:
    vat_number = fresh_vat_number()
    with ToolsSdkUnit(authority.url, environment, vat_number, "1100") as unit:
        steps = unit.zatca.onboarding()
        keys = steps.generate_csr(unit.csr_request())
        compliance = steps.request_compliance_csid(keys, authority.otp(environment, vat_number))
        unit.use(compliance.credentials(keys.private_key))
        for profile in ("standard", "simplified"):
            result = unit.submit(profile, "invoice")
            assert (result.success, result.status) == (False, "FAILED")
            assert result.error is not None
            assert result.error.code == AuthenticationError.code


def test_judges_repeated_documents_as_recorded(authority: Authority) -> None:
    # client-behaviour 7: neither 208 on clearance nor 409 on reporting is a success to it.
    environment, vat_number = Environment.SIMULATION, fresh_vat_number()
    with ToolsSdkUnit(authority.url, environment, vat_number, "1100") as unit:
        unit.onboard(authority.otp(environment, vat_number))
        for profile, status in (("standard", 208), ("simplified", 409)):
            document = unit.create(profile, "invoice")
            assert unit.zatca.submit(document).success
            again = unit.zatca.submit(document)
            assert (again.success, again.status, again.http_status) == (False, "FAILED", status)
        assert authority.device(environment, vat_number)["accepted_documents"] == 2


@pytest.mark.parametrize("environment", BOTH)
def test_renews_at_once_where_the_answer_is_200(prompt_authority: Authority, environment: Environment) -> None:
    vat_number = fresh_vat_number()
    with ToolsSdkUnit(prompt_authority.url, environment, vat_number, "1100") as unit:
        unit.onboard(prompt_authority.otp(environment, vat_number))
        left_behind = unit.create("simplified", "invoice")
        old = unit.zatca.credentials
        unit.renew(prompt_authority.otp(environment, vat_number, "renewal"))
        new = unit.zatca.credentials
        for profile, kind in documents_of("1100"):
            assert unit.submit(profile, kind).success
        unit.zatca.credentials = old
        assert unit.zatca.submit(left_behind).status == "FAILED", "the old pair is dead after the switch"
        unit.zatca.credentials = new
        devices = prompt_authority.devices(environment, vat_number)
        assert [each["status"] for each in devices].count("Active") == 1


@pytest.mark.parametrize("environment", BOTH)
def test_takes_428_for_an_error_and_can_be_led_on_by_its_caller(authority: Authority, environment: Environment) -> None:
    vat_number = fresh_vat_number()
    with ToolsSdkUnit(authority.url, environment, vat_number, "1100") as unit:
        unit.onboard(authority.otp(environment, vat_number))
        old = unit.zatca.credentials
        steps = unit.zatca.onboarding()
        keys = steps.generate_csr(unit.csr_request())
        with pytest.raises(ZatcaRequestError) as caught:
            steps.renew_production_csid(old, keys, authority.otp(environment, vat_number, "renewal"))
        assert caught.value.http_status == 428
        assert unit.submit("simplified", "invoice").success, "the old certificate lives until the switch"

        answer = caught.value.body
        assert answer["dispositionMessage"] == "NOT_COMPLIANT"
        compliance = CsidResult(
            "compliance",
            certificate=b64decode(answer["binarySecurityToken"]).decode(),
            secret=answer["secret"],
            request_id=str(answer["requestID"]),
        )
        report = steps.run_compliance_checks(compliance.credentials(keys.private_key), forms=forms_for("1100"))
        assert report.passed
        unit.use(steps.request_production_csid(compliance).credentials(keys.private_key))
        for profile in PROFILES["1100"]:
            assert unit.submit(profile, "invoice").success
        devices = authority.devices(environment, vat_number)
        assert [each["status"] for each in devices].count("Active") == 1


def test_needs_nothing_but_the_address_in_the_sandbox(sandbox: tuple[Authority, str]) -> None:
    # Its documents carry its own signature, under the canned certificate too: the sandbox looks at the form only.
    authority, _ = sandbox
    with ToolsSdkUnit(authority.url, Environment.SANDBOX, SANDBOX_VAT_NUMBER, "1100") as unit:
        unit.onboard()
        for profile, kind in documents_of("1100"):
            assert unit.submit(profile, kind).success
        unit.renew()
        assert unit.submit("simplified", "invoice").success
