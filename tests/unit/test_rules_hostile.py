"""Every hostile shape of a mebibyte: its validation ends, and the process stays small.

How long each takes is a figure of `python -m benchmarks hostile`; here a shape fails when it takes ten seconds of
processor time, which only time that grows with a square does, or 300 MiB.
"""

from benchmarks.hostile import MEMORY_AIM, costs
from benchmarks.invoices import SIGNING_TIME, authored, new_identity
from benchmarks.khatm_side import author_and_stamp, signer_of

from khatm.rules.validation import validate
from tests.hostile_documents import SHAPES, shape
from tests.stamp_vectors import SIGNED_AT


def test_every_shape_ends_in_bounded_time_and_memory() -> None:
    taken = costs()
    assert taken.keys() == SHAPES.keys()
    assert {name: cost for name, cost in taken.items() if not cost[1] < MEMORY_AIM} == {}


def test_small_documents_of_every_shape_have_a_whole_report() -> None:
    for name in SHAPES:
        xml = shape(name, 14_000)
        if len(xml) < 100_000:
            assert validate(xml, now=SIGNED_AT).stages[0].status in ("passed", "failed")


def test_many_warnings_hide_no_error() -> None:
    report = validate(shape("foreign elements in the extension", 30_000), now=SIGNED_AT)
    misplaced = shape("foreign elements in the extension", 30_000).replace(
        b"</Invoice>", b"<cac:Party><cac:Signature/></cac:Party></Invoice>"
    )
    stages = {stage.stage: stage for stage in validate(misplaced, now=SIGNED_AT).stages}
    assert {each.severity for each in next(s for s in report.stages if s.stage == "signature").findings} == {"warning"}
    assert "KHATM-STAMP-PLACE" in [each.rule for each in stages["signature"].findings]
    assert stages["signature"].status == "failed"


def test_ten_thousand_lines_are_judged_to_the_last() -> None:
    """The peer refuses more than 315 lines."""
    xml = author_and_stamp(authored(10_000), signer_of(new_identity()))
    assert validate(xml, now=SIGNING_TIME).valid
    start = xml.rindex(b"<cac:InvoiceLine>")
    broken = xml[:start] + xml[start:].replace(b"<cbc:Percent>15.00<", b"<cbc:Percent>14.00<")
    assert broken != xml
    found = [each for each in validate(broken, now=SIGNING_TIME).official() if each.rule == "BR-KSA-84"]
    place = "/inv:Invoice[1]/cac:InvoiceLine[10000]/cac:Item[1]/cac:ClassifiedTaxCategory[1]"
    # The stylesheet reports it once per standard rated category: 10,000 lines and the row of the breakdown.
    assert [each.location for each in found] == [place] * 10_001
