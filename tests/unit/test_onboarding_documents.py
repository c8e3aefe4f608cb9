"""The compliance documents: what the standard asks of each kind, and a second opinion on the finished ones."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from khatm.clock import saudi_time
from khatm.document.arithmetic import compute
from khatm.document.model import read_document
from khatm.document.writer import ChainPlace, write
from khatm.ledger.documents import Profile
from khatm.onboarding.documents import CheckSeller, check_document, document_number
from khatm.onboarding.plan import ALL_STEPS, ComplianceStep, Kind
from khatm.stamp.canonical import INITIAL_PIH, invoice_hash
from tests.unit.onboarding_stage import SELLER, VAT
from tests.unit.onboarding_walks import Source, Stage

MIDNIGHT_AND_A_HALF = datetime(2026, 3, 1, 21, 30, 5, tzinfo=UTC)
OWN = CheckSeller.of_unit(SELLER, organisation="unused", vat_number=VAT)
PLACEHOLDER = CheckSeller.of_unit(None, organisation="شركة <المثال> & Co.", vat_number=VAT)


def ids(step: ComplianceStep) -> str:
    return step.name


@pytest.mark.parametrize("step", ALL_STEPS, ids=ids)
def test_the_issue_time_is_saudi_time(step: ComplianceStep) -> None:
    document = check_document(step, OWN, MIDNIGHT_AND_A_HALF)
    assert (document["issue_date"], document["issue_time"]) == ("2026-03-02", "00:30:05")


@pytest.mark.parametrize("step", ALL_STEPS, ids=ids)
def test_each_kind_has_what_the_standard_asks_of_it(step: ComplianceStep) -> None:
    document = check_document(step, OWN, MIDNIGHT_AND_A_HALF)
    is_note = step.kind is not Kind.INVOICE
    assert ("references" in document, "reasons" in document) == (is_note, is_note)
    assert ("buyer" in document) is (step.profile is Profile.STANDARD)
    assert ("supply" in document) is (step.profile is Profile.STANDARD and not is_note)


def test_a_note_refers_to_the_invoice_of_its_profile() -> None:
    for step in ALL_STEPS:
        if step.kind is not Kind.INVOICE:
            document: Any = check_document(step, OWN, MIDNIGHT_AND_A_HALF)
            invoice = next(s for s in ALL_STEPS if s.profile is step.profile and s.kind is Kind.INVOICE)
            assert document["references"] == [{"number": document_number(invoice)}]


def test_the_seller_is_the_unit_s_own_when_it_has_one() -> None:
    assert check_document(ALL_STEPS[0], OWN, MIDNIGHT_AND_A_HALF)["seller"] == SELLER
    assert not OWN.placeholder


def test_without_one_the_names_and_the_vat_number_are_the_csr_s() -> None:
    seller: Any = check_document(ALL_STEPS[0], PLACEHOLDER, MIDNIGHT_AND_A_HALF)["seller"]
    assert (seller["name"], seller["vat"]) == ("شركة <المثال> & Co.", VAT)
    # Document standard 3.1 and 3.3: one identifier, four digits of building, five of postal code.
    assert len(seller["ids"]) == 1
    assert len(seller["address"]["building"]) == 4
    assert len(seller["address"]["postal_code"]) == 5
    assert PLACEHOLDER.placeholder


@pytest.mark.parametrize("seller", [OWN, PLACEHOLDER], ids=["own", "placeholder"])
@pytest.mark.parametrize("step", ALL_STEPS, ids=ids)
def test_the_document_room_takes_them(step: ComplianceStep, seller: CheckSeller) -> None:
    computed = compute(read_document(check_document(step, seller, MIDNIGHT_AND_A_HALF)))
    place = ChainPlace(uuid="5d2c0f3a-7f0b-4a53-9a55-0c3a0e4f1a14", counter=1, previous_hash="0" * 44)
    facts = write(computed, place).facts
    assert (facts.payable, facts.vat_total, facts.vat_number) == ("115.00", "15.00", VAT)


def _saudi_wall_clock() -> str:
    """The time in Riyadh, told as UTC: the peer takes a Saudi date for one of UTC, three hours ahead of its clock."""
    return saudi_time(datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("seller", [SELLER, None], ids=["own", "placeholder"])
def test_a_second_opinion_finds_nothing(tmp_path: Path, seller: dict[str, object] | None) -> None:
    fatoora = pytest.importorskip("fatoora", reason="fatoora-rs has no wheel for this platform")
    stage = Stage(tmp_path, seller=seller)
    stage.onboarding().run("till-1", Source([stage.authority.new_otp("482913")]))
    stage.ledger.close()
    documents = stage.authority.documents
    assert len(documents) == len(ALL_STEPS)
    previous = INITIAL_PIH
    for step, xml in zip(ALL_STEPS, documents, strict=True):
        with fatoora.Config() as config:
            report = fatoora.validate_zatca_invoice_from_str(
                config, xml.decode(), previous_invoice_hash=previous, evaluated_at=_saudi_wall_clock()
            )
        assert (report["is_valid"], report["is_complete"]) == (True, True), report
        ran = {stage["stage"] for stage in report["stages"] if stage["status"] == "completed"}
        assert ran >= {"xsd", "cen", "ksa", "previous_invoice_hash"}
        assert (step.profile is Profile.STANDARD) or ran >= {"signature", "qr"}
        assert [finding for stage in report["stages"] for finding in stage["findings"]] == []
        previous = invoice_hash(xml)
