"""The parts of the pages that compute: charts, places of findings, rows of a source, sessions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khatm.environment import Environment
from khatm.rules.findings import Finding
from khatm.simulator.web.charts import HEIGHT, OUTCOMES, WIDTH, Group, round_top, stack
from khatm.simulator.web.places import Place, find_places
from khatm.simulator.web.session import Session, Sessions
from khatm.simulator.web.source import rows_of


@pytest.mark.parametrize(
    ("most", "top"), [(0, 4), (1, 4), (4, 4), (5, 8), (9, 20), (20, 20), (21, 40), (41, 80), (400, 400), (401, 800)]
)
def test_the_scale_ends_at_a_round_number_that_four_lines_divide(most: int, top: int) -> None:
    assert round_top(most) == top
    assert top % 4 == 0


counts = st.dictionaries(st.sampled_from(OUTCOMES), st.integers(0, 10**6))


@settings(max_examples=50, deadline=None)
@given(st.lists(counts, min_size=1, max_size=31), st.booleans())
def test_bars_are_as_high_as_their_counts_and_stay_in_the_picture(groups: list[dict[str, int]], mirrored: bool) -> None:
    chart = stack([Group(str(number), "", each) for number, each in enumerate(groups)], mirrored=mirrored)
    xs = [column.x for column in chart.columns]
    assert xs == sorted(xs, reverse=mirrored)
    top = round_top(max(sum(each.values()) for each in groups))
    base = chart.grid[0].y
    unit = (base - chart.grid[-1].y) / top
    for column, group in zip(chart.columns, groups, strict=True):
        assert chart.start <= column.x
        assert column.x + column.width <= chart.end <= WIDTH
        assert sum(bar.height for bar in column.bars) == pytest.approx(unit * sum(group.values()), abs=0.05)
        assert [bar.count for bar in column.bars] == [group[each] for each in OUTCOMES if group.get(each)]
        assert all(bar.y >= 0 and bar.y + bar.height <= HEIGHT for bar in column.bars)


DOCUMENT = b"""<?xml version="1.0"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2" xmlns:b="urn:other"
  xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
  xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
  <cbc:ProfileID>x</cbc:ProfileID>
  <cac:AdditionalDocumentReference><cbc:ID>ICV</cbc:ID></cac:AdditionalDocumentReference>
  <cac:AdditionalDocumentReference>
    <cbc:ID> QR </cbc:ID></cac:AdditionalDocumentReference>
  <b:own/><b:own/>
  <cac:InvoiceLine><cbc:ID>1</cbc:ID></cac:InvoiceLine>
  <cac:InvoiceLine>
    <cbc:LineExtensionAmount>1</cbc:LineExtensionAmount>
  </cac:InvoiceLine>
</Invoice>
"""


@pytest.mark.parametrize(
    ("rule", "location", "line"),
    [
        ("x", "/inv:Invoice[1]", 2),
        ("x", "/Invoice", 2),
        ("x", "/Invoice/cac:InvoiceLine[2]", 11),
        ("x", "/inv:Invoice[1]/cac:InvoiceLine[1]/cbc:ID[1]", 10),
        ("x", "/inv:Invoice[1]/Q{urn:other}own[2]", 9),
        ("x", "/inv:Invoice[1]/cbc:Missing[1]", 2),
        ("qr_6", "/inv:Invoice[1]", 7),
        ("BR-KSA-EN16931-01", "/inv:Invoice[1]", 5),  # BT-23 is cbc:ProfileID
        ("BR-24", "/inv:Invoice[1]/cac:InvoiceLine[2]", 12),  # BT-131 is cbc:LineExtensionAmount
        ("BR-24", "/inv:Invoice[1]/cac:InvoiceLine[1]", 10),  # which this line lacks
    ],
)
def test_a_finding_is_placed_at_what_its_rule_looks_at(rule: str, location: str, line: int) -> None:
    [place] = find_places(DOCUMENT, [Finding(rule, "error", "x", location)], readable=True)
    assert place.line == line


def test_an_unreadable_document_has_the_place_of_its_mistake() -> None:
    findings = [Finding("x", "error", "xml", where) for where in ("line 3, column 7", "the file")]
    assert find_places(b"<a>", findings, readable=False) == [Place(3, 7), Place(1, 1)]


def test_one_long_line_is_broken_at_its_elements() -> None:
    cells = "".join(f"<a>{number}</a>" for number in range(100))
    xml = f"<r>{cells}</r>".encode()
    column = xml.index(b"<a>57") + 1
    rows = rows_of(xml, [Place(1, column)])
    [marked] = [row for row in rows if row.findings]
    assert marked.text == "<a>57</a>"
    assert "".join(row.text for row in rows) == xml.decode()
    assert {row.line for row in rows} == {1}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_the_parsers_lines(end: str) -> None:
    xml = end.join(["<r>", "<!-- \u2028 \x85 -->", "<a/>", "</r>"]).encode()
    rows = rows_of(xml, [Place(3, 1)])
    assert [(row.line, row.text) for row in rows if row.findings] == [(3, "<a/>")]


def test_places_outside_the_document_are_shown_at_its_beginning() -> None:
    rows = rows_of(b"<r/>", [Place(99, 1), Place(1, 999)])
    assert [row.findings for row in rows] == [(0, 1)]


@given(st.text(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_cookie_is_a_session_or_none(value: str) -> None:
    assert Sessions(b"k" * 32).open(value).vat_number is None


def test_a_sealed_session_comes_back_whole_and_to_its_own_key_only() -> None:
    session = Session(vat_number="399999999900003", environment=Environment.PRODUCTION)
    sealed = Sessions(b"k" * 32).seal(session)
    assert Sessions(b"k" * 32).open(sealed) == session
    assert Sessions(b"l" * 32).open(sealed).vat_number is None
