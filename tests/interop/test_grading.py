"""Other people's clients under the grader: sound in normal traffic, and without patience when an answer is lost."""

import pytest

pytest.importorskip("zatca_tools", reason="zatca-tools-sdk is not installed (pip install .[peers])")
pytest.importorskip("fatoora", reason="fatoora-rs has no wheel for this platform")

from zatca_tools.errors import ZatcaToolsError

from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from tests.interop.authority import Authority, documents_of, fresh_vat_number
from tests.interop.fatoora_rs import FatooraRsUnit
from tests.interop.tools_sdk import ToolsSdkUnit

SEEN = {
    "accept-version", "known-calls", "credentials-unaltered", "right-csid", "otp-in-header", "otp-used-once",
    "csr-template", "steps-before-pcsid", "request-id", "hash-and-uuid", "stamp", "right-endpoint",
    "clearance-status", "fresh-uuid", "counter", "previous-hash", "within-24-hours",
}  # fmt: skip


def test_tools_sdk_breaks_no_rule_of_normal_traffic() -> None:
    vat_number = fresh_vat_number()
    with EmbeddedSimulator(grade=True, grade_cases=["none"]) as simulator:
        authority = Authority(simulator.url)
        with ToolsSdkUnit(simulator.url, Environment.SIMULATION, vat_number, "1100") as unit:
            unit.onboard(authority.otp(Environment.SIMULATION, vat_number))
            for profile, kind in documents_of("1100"):
                assert unit.submit(profile, kind).success
        grade = simulator.grade()
    assert {each.id for each in grade.cases("passed")} == SEEN
    assert grade.exit_code == 0


def test_fatoora_rs_breaks_no_rule_of_normal_traffic() -> None:
    vat_number = fresh_vat_number()
    with EmbeddedSimulator(grade=True, grade_cases=["none"]) as simulator:
        authority = Authority(simulator.url)
        unit = FatooraRsUnit(simulator.url, Environment.SIMULATION, vat_number, "1100")
        unit.request_compliance_certificate(authority.otp(Environment.SIMULATION, vat_number))
        for profile, kind in documents_of("1100"):
            unit.check(profile, kind)
        unit.request_production_certificate()
        for profile, kind in documents_of("1100"):
            unit.submit(profile, kind)
        grade = simulator.grade()
    # Its builder has no delivery date (client behaviour 8): its standard invoice is accepted with a warning.
    assert {each.id for each in grade.cases("passed")} == SEEN | {"warnings"}
    assert grade.exit_code == 0


def test_tools_sdk_begins_anew_where_the_answer_to_a_check_is_lost() -> None:
    # It makes no second attempt by itself (client behaviour 7): its caller can only onboard again.
    vat_number = fresh_vat_number()
    with EmbeddedSimulator(grade=True, grade_cases=["check-answer-lost"]) as simulator:
        authority = Authority(simulator.url)
        with ToolsSdkUnit(simulator.url, Environment.SIMULATION, vat_number, "1100") as unit:
            with pytest.raises(ZatcaToolsError):
                unit.onboard(authority.otp(Environment.SIMULATION, vat_number))
            unit.onboard(authority.otp(Environment.SIMULATION, vat_number))
        grade = simulator.grade()
    assert {each.id: grade.marks[each.id].finding for each in grade.cases("failed")} == {
        "check-answer-lost": "began_anew"
    }
