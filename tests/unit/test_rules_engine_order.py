"""What the engine of ZATCA's validator reads first, and how it orders zeros; decided by running ZATCA's stylesheets.

Each verdict below is what the 3.4.8 stylesheet says of the same document under SaxonC-HE 13.1; for the Saudi rules the
edition before it, which has the same text for the rules named here.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from khatm.document.xml import CAC, CBC
from khatm.rules.edition import DEFAULT
from khatm.rules.engine import judge
from khatm.rules.findings import StageReport
from khatm.rules.reading import read

BASE = Path(__file__).parents[1] / "data" / "rules" / "ksa" / "base-std.xml"
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
CHARGE = f"""
<cac:AllowanceCharge xmlns:cac="{CAC}" xmlns:cbc="{CBC}"><cbc:ChargeIndicator>INDICATOR</cbc:ChargeIndicator>
<cbc:AllowanceChargeReasonCode>FC</cbc:AllowanceChargeReasonCode>
<cbc:AllowanceChargeReason>Freight</cbc:AllowanceChargeReason>FACTOR<cbc:Amount currencyID="SAR">6.00</cbc:Amount>
<cac:TaxCategory><cbc:ID>CODE</cbc:ID><cbc:Percent>RATE</cbc:Percent>
<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:TaxCategory></cac:AllowanceCharge>"""


def judged(root: etree._Element) -> tuple[StageReport, StageReport]:
    return judge(read(root.getroottree()), DEFAULT, NOW)


def charged(indicator: str, code: str, rate: str, factor: str = "") -> tuple[StageReport, StageReport]:
    root = etree.parse(BASE).getroot()
    text = CHARGE.replace("INDICATOR", indicator).replace("CODE<", f"{code}<").replace("RATE", rate)
    written = f"<cbc:MultiplierFactorNumeric>{factor}</cbc:MultiplierFactorNumeric>" if factor else ""
    root.find(f"{{{CAC}}}TaxTotal").addprevious(etree.fromstring(text.replace("FACTOR", written)))
    return judged(root)


def rules(report: StageReport) -> set[str]:
    return {finding.rule for finding in report.findings}


@pytest.mark.parametrize("code", ["Z", "E"])
@pytest.mark.parametrize(
    ("rate", "fires"), [("0", False), ("0.00", False), ("-0", False), ("-0.0", True), ("-0.00", True)]
)
def test_a_charge_at_minus_zero_is_not_zero_rated(code: str, rate: str, fires: bool) -> None:
    european, _ = charged("true", code, rate)
    assert (f"BR-{code}-07" in rules(european)) is fires


@pytest.mark.parametrize(("indicator", "rule"), [("false", "BR-S-06"), ("true", "BR-S-07")])
@pytest.mark.parametrize(("rate", "fires"), [("NaN", False), ("0.00", True), ("-1", True), ("15.00", False)])
def test_what_is_no_number_is_above_zero(indicator: str, rule: str, rate: str, fires: bool) -> None:
    european, _ = charged(indicator, "S", rate)
    assert (rule in rules(european)) is fires


@pytest.mark.parametrize(
    ("rate", "verdict"),
    [("1.50E+1", {"BR-KSA-DEC-02"}), ("1e2", {"KHATM-ABORT-CAST"}), ("15%", {"KHATM-ABORT-CAST"})],
)
def test_decimals_of_a_rate_are_counted_before_it_is_read(rate: str, verdict: set[str]) -> None:
    _, saudi = charged("true", "S", rate)
    assert rules(saudi) & {"BR-KSA-DEC-02", "KHATM-ABORT-CAST"} == verdict


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [("5.12%", {"BR-KSA-DEC-01"}), ("abc.123", {"BR-KSA-DEC-01"}), ("5.1%", {"KHATM-ABORT-CAST"})],
)
def test_decimals_of_a_percentage_are_counted_before_it_is_read(factor: str, verdict: set[str]) -> None:
    _, saudi = charged("false", "S", "15.00", factor)
    assert rules(saudi) & {"BR-KSA-DEC-01", "KHATM-ABORT-CAST"} == verdict


@pytest.mark.parametrize(
    ("removed", "emptied", "fires"),
    [
        ("PayableAmount", "PrepaidAmount", "BR-CO-16"),
        ("TaxInclusiveAmount", "PrepaidAmount", "BR-CO-16"),
        ("TaxExclusiveAmount", "TaxInclusiveAmount", "BR-CO-15"),
    ],
)
def test_nothing_is_read_behind_an_amount_that_is_missing(removed: str, emptied: str, fires: str) -> None:
    root = etree.parse(BASE).getroot()
    total = root.find(f"{{{CAC}}}LegalMonetaryTotal")
    total.remove(total.find(f"{{{CBC}}}{removed}"))
    other = total.find(f"{{{CBC}}}{emptied}")
    if other is None:
        other = etree.Element(f"{{{CBC}}}{emptied}", currencyID="SAR")
        total.find(f"{{{CBC}}}TaxExclusiveAmount").addnext(other)
    other.text = ""
    if fires == "BR-CO-15":  # BR-CO-16 reads the amount that BR-CO-15 does not reach, unless there is none to pay
        total.remove(total.find(f"{{{CBC}}}PayableAmount"))
    european, _ = judged(root)
    assert fires in rules(european)


def test_a_missing_vat_amount_is_off_whatever_the_rate() -> None:
    root = etree.parse(BASE).getroot()
    [row] = root.findall(f"{{{CAC}}}TaxTotal/{{{CAC}}}TaxSubtotal")
    row.remove(row.find(f"{{{CBC}}}TaxAmount"))
    row.find(f"{{{CAC}}}TaxCategory/{{{CBC}}}Percent").text = "abc.123"
    european, _ = judged(root)
    assert {"BR-46", "BR-CO-17"} <= rules(european)
