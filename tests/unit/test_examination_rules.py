"""The official rules inside an examination: order, categories, texts, one message per rule, aborts, the clock's zone.

What each rule says is the rule corpus's matter. Expectations here: gateway contract, sections 5.4 and 8.2; conditions
of the rules from the two rule specifications.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from khatm.clock import SAUDI
from khatm.rules.catalogue import explain
from tests.stamp_vectors import document
from tests.unit.examination_stage import Submission, codes

GOOD = Submission()
ISSUED = datetime(2026, 1, 15, 9, 30, 5, tzinfo=SAUDI)
"""Issue date and time of the document; the time stands there without a zone."""
ICV_FIELD = b"<cbc:UUID>1</cbc:UUID>"
BAD_ICV = b"<cbc:UUID>one</cbc:UUID>"
REFERENCE = b"<cac:AdditionalDocumentReference>\n    <cbc:ID>ICV"
RULES = ("BR-", "GENERAL")


def changed(*changes: tuple[bytes, bytes]) -> Submission:
    """The good document with texts replaced; its hash in the body follows."""
    xml = GOOD.xml
    for old, new in changes:
        assert old in xml
        xml = xml.replace(old, new)
    return replace(GOOD, xml=xml)


def rules(submission: Submission) -> tuple[list[str], list[str]]:
    """The rules among the codes of the errors and of the warnings."""
    errors, warnings = codes(submission.examine())
    return [each for each in errors if each and each.startswith(RULES)], [
        each for each in warnings if each and each.startswith(RULES)
    ]


@pytest.mark.parametrize("name", ["simplified-invoice", "simplified-credit-note", "simplified-usd", "long-name"])
def test_sound_document_breaks_no_rule(name: str) -> None:
    assert codes(Submission(xml=document(name).xml).examine()) == ([], [])


def test_european_rules_come_before_the_saudi_ones() -> None:
    # The length of a line id is a rule of the European stylesheet (site 044), in spite of its name.
    submission = changed((ICV_FIELD, BAD_ICV), (b"<cbc:ID>1<", b"<cbc:ID>1234567<"))
    assert rules(submission) == (["BR-KSA-F-06-C17", "BR-KSA-34"], [])


def test_category_is_the_stylesheets_except_for_the_field_lengths() -> None:
    order = b"<cac:OrderReference><cbc:ID>" + b"9" * 128 + b"</cbc:ID></cac:OrderReference>"
    examination = changed(
        (ICV_FIELD, BAD_ICV), (b"<cbc:ID>1<", b"<cbc:ID>1234567<"), (REFERENCE, order + REFERENCE)
    ).examine()
    found = {each.code: each.category for each in (*examination.errors, *examination.warnings)}
    assert found["BR-KSA-34"] == "KSA"
    assert found["BR-KSA-F-06-C3"] == "EN_16931", "a rule of the Saudi stylesheet"
    assert found["BR-KSA-F-06-C17"] == "EN_16931"


def test_rule_broken_on_every_line_is_told_once() -> None:
    submission = changed((b"<cbc:ID>1<", b"<cbc:ID>1234567<"), (b"<cbc:ID>2<", b"<cbc:ID>2345678<"))
    assert rules(submission) == (["BR-KSA-F-06-C17"], [])


def test_sentence_is_the_catalogues_after_the_code() -> None:
    entry = explain("BR-KSA-34")
    assert entry is not None
    [message] = [each for each in changed((ICV_FIELD, BAD_ICV)).examine().errors if each.code == "BR-KSA-34"]
    assert message.message == f"[BR-KSA-34] - {entry.en.title}."
    assert (message.type, message.category, message.status) == ("ERROR", "KSA", "ERROR")


@pytest.mark.parametrize(
    ("age", "expected"),
    [(timedelta(hours=24), []), (timedelta(hours=24, seconds=1), ["BR-KSA-98"]), (timedelta(minutes=-5), [])],
)
def test_time_without_zone_is_saudi_time(age: timedelta, expected: list[str]) -> None:
    assert rules(replace(GOOD, now=ISSUED + age)) == ([], expected)


def test_date_of_tomorrow_in_riyadh_is_refused() -> None:
    # At midnight in Riyadh the date in UTC is still the day before.
    midnight = ISSUED.replace(hour=0, minute=0, second=0)
    assert rules(replace(GOOD, now=midnight - timedelta(seconds=1))) == (["BR-KSA-04"], [])
    assert rules(replace(GOOD, now=midnight)) == ([], [])


@pytest.mark.parametrize(
    "change",
    [
        (b"<cbc:IssueDate>2026-01-15<", b"<cbc:IssueDate>2026-01-15Z<"),  # joined with the time it is no moment
        (REFERENCE, b"<cac:AdditionalDocumentReference><cbc:ID>X</cbc:ID><cbc:UUID>7</cbc:UUID>"
         b"</cac:AdditionalDocumentReference>" + REFERENCE),  # the rule on the ICV takes one UUID
    ],
    ids=["moment", "two-uuids"],
)  # fmt: skip
def test_document_on_which_the_rules_break_off_is_general(change: tuple[bytes, bytes]) -> None:
    submission = changed(change, (b"<cbc:ID>1<", b"<cbc:ID>1234567<"))
    assert codes(submission.examine())[0].count("XSD_ZATCA_INVALID") == 0
    assert rules(submission) == (["GENERAL"], []), "and nothing of the stylesheet that did not break off"


def test_without_rules_nothing_is_said_of_the_form_of_counter_and_previous_hash() -> None:
    submission = changed((ICV_FIELD, BAD_ICV))
    assert rules(submission) == (["BR-KSA-34"], [])
    assert rules(replace(submission, switches={"rules": "3.3.3"})) == (["BR-KSA-34"], [])
    assert rules(replace(submission, switches={"rules": "off"})) == ([], [])
