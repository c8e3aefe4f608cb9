"""The daily statement against a recomputation from the XML with the standard library alone."""

import csv
import io
import re
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import select

from khatm.clock import SystemClock
from khatm.document.amounts import read_amounts
from khatm.document.reader import read_invoice
from khatm.ledger import documents, schema
from khatm.ledger.audit import statement_text
from khatm.ledger.audit.statement import Day
from khatm.ledger.home import Home
from khatm.ledger.ledger import open_ledger
from tests.authoring import random_document
from tests.unit.audit_stage import EACH, Archive, archive, either, whole_archive, whole_either

__all__ = ["archive", "either", "whole_archive", "whole_either"]

FIRST, LAST = date(2026, 3, 5), date(2026, 3, 7)
DAYS = ("2026-03-05", "2026-03-06", "2026-03-07")
CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
CAC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"
STATES = ("issued", "waiting", "accepted", "accepted_with_warnings", "rejected", "set_aside")


def recomputed(xml: bytes) -> tuple[str, str, list[Decimal]]:
    """Type code, currency, and taxable, VAT and VAT in riyal of a document of our own."""
    root = ElementTree.fromstring(xml)
    totals = root.findall(f"{CAC}TaxTotal")
    detailed = next(each for each in totals if each.find(f"{CAC}TaxSubtotal") is not None)
    plain = next(each for each in totals if each.find(f"{CAC}TaxSubtotal") is None)
    taxable = root.findtext(f"{CAC}LegalMonetaryTotal/{CBC}TaxExclusiveAmount")
    amounts = [taxable, detailed.findtext(f"{CBC}TaxAmount"), plain.findtext(f"{CBC}TaxAmount")]
    code, currency = root.findtext(f"{CBC}InvoiceTypeCode"), root.findtext(f"{CBC}DocumentCurrencyCode")
    assert code is not None and currency is not None
    return code, currency, [Decimal(str(each)) for each in amounts]


def expected_sums(archive: Archive, unit: str, *, accepted: bool) -> dict[tuple[str, str, str], list[Decimal]]:
    """Day, type code and currency → sums, credit notes negative."""
    found: dict[tuple[str, str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for document in archive.ledger.documents(unit):
        if accepted and document.state.value not in ("accepted", "accepted_with_warnings"):
            continue
        code, currency, amounts = recomputed(archive.ledger.document_xml(document))
        sign = -1 if code == "381" else 1
        key = (document.issue_date, code, currency)
        found[key] = [total + sign * each for total, each in zip(found[key], amounts, strict=True)]
    return dict(found)


def sums_of(days: list[Day], which: str) -> dict[tuple[str, str, str], list[Decimal]]:
    codes = {"invoice": "388", "credit_note": "381", "debit_note": "383", "prepayment": "386"}
    found = {}
    for day in days:
        for row in statement_text.as_data(day)["kinds"]:  # type: ignore[attr-defined]
            values = [Decimal(each) for each in row[f"{which}_sums"].values()]
            if any(values) or which == "issued":
                found[(day.day, codes[row["kind"]], row["currency"])] = values
    return found


def scatter_states(archive: Archive) -> Counter[str]:
    """Give the documents of till-1 all the states there are."""
    given: Counter[str] = Counter()
    for number, document in enumerate(archive.ledger.documents("till-1")):
        state = STATES[number % len(STATES)]
        archive.tamper("UPDATE document SET state = ? WHERE id = ?", state, document.id)
        given[state] += 1
    return given


def test_sums_are_those_of_the_documents(either: Archive) -> None:
    scatter_states(either)
    for unit in ("till-1", "till-2"):
        days = either.ledger.statement(unit, FIRST, LAST)
        assert [day.day for day in days] == list(DAYS)
        assert sums_of(days, "issued") == expected_sums(either, unit, accepted=False)
        assert sums_of(days, "accepted") == expected_sums(either, unit, accepted=True)


def test_credit_notes_count_as_negative_and_others_do_not(archive: Archive) -> None:
    rows = [row for day in archive.ledger.statement(None, FIRST, LAST) for row in day.rows()]
    assert {row.kind.value for row in rows} >= {"invoice", "credit_note"}
    for row in rows:
        assert (row.issued.taxable < 0) == (row.kind.value == "credit_note")
        assert (row.issued.vat_sar < 0) == (row.kind.value == "credit_note")


def test_states_are_counted_as_what_became_of_the_documents(archive: Archive) -> None:
    given = scatter_states(archive)
    total: Counter[str] = Counter()
    for day in archive.ledger.statement("till-1", FIRST, LAST):
        counts = day.counts
        parts = (counts.accepted, counts.warned, counts.rejected, counts.waiting, counts.set_aside)
        assert counts.issued == sum(parts)
        total += Counter({name: getattr(counts, name) for name in counts.__slots__})
    assert total["issued"] == EACH
    assert total["waiting"] == given["issued"] + given["waiting"]
    assert total["warned"] == given["accepted_with_warnings"]
    assert (total["accepted"], total["rejected"], total["set_aside"]) == (
        given["accepted"],
        given["rejected"],
        given["set_aside"],
    )


def test_days_are_those_of_issue_and_both_ends_are_included(archive: Archive) -> None:
    (middle,) = archive.ledger.statement("till-1", date(2026, 3, 6), date(2026, 3, 6))
    assert (middle.unit, middle.day, middle.counts.issued) == ("till-1", "2026-03-06", 4)
    assert archive.ledger.statement("till-1", date(2026, 3, 8), date(2026, 4, 8)) == []
    everyone = archive.ledger.statement(None, FIRST, FIRST)
    assert [day.unit for day in everyone] == ["till-1", "till-2"]


def test_documents_that_lost_their_bytes_are_counted_and_said(archive: Archive) -> None:
    archive.tamper("DELETE FROM stamped_xml WHERE document_id = ?", archive.at(2).id)
    (day,) = archive.ledger.statement("till-1", FIRST, FIRST)
    assert day.counts.issued == 4
    assert sum(row.unreadable for row in day.rows()) == 1
    assert any("1 documents could not be read" in line for line in statement_text.as_lines(day, "en"))
    assert any("chain verify" in line for line in statement_text.as_lines(day, "ar"))


def test_csv_and_data_say_the_same_as_the_text(archive: Archive) -> None:
    scatter_states(archive)
    days = archive.ledger.statement(None, FIRST, LAST)
    rows = list(csv.DictReader(io.StringIO("".join(statement_text.as_csv(days)), newline="")))
    data = [statement_text.as_data(day) for day in days]
    kinds: list[Any] = [(day["unit"], day["day"], kind) for day in data for kind in day["kinds"]]  # type: ignore[attr-defined]
    assert len(rows) == len(kinds)
    for row, (unit, day, kind) in zip(rows, kinds, strict=True):
        assert (row["unit"], row["day"], row["kind"], row["currency"]) == (unit, day, kind["kind"], kind["currency"])
        for name in ("issued", "accepted", "warned", "rejected", "waiting", "set_aside", "unreadable"):
            assert int(row[name]) == kind[name]
        for name in ("taxable", "vat", "vat_sar"):
            assert row[f"issued_{name}"] == kind["issued_sums"][name]
            assert re.fullmatch(r"-?[0-9]+\.[0-9]{2}", row[f"accepted_{name}"])
    text = "\n".join(line for day in days for line in statement_text.as_lines(day))
    for row in rows:
        assert row["issued_taxable"] in text
        assert row["accepted_vat"] in text


@pytest.mark.parametrize("seed", range(40))
def test_amounts_are_read_as_the_reader_of_invoices_reads_them(seed: int) -> None:
    """Documents of all kinds, with prepayments, foreign currencies and rounding."""
    from random import Random

    from khatm.document.arithmetic import compute
    from khatm.document.model import read_document
    from khatm.document.writer import ChainPlace, unstamped_xml, write
    from tests.unit.ledger_stage import FIRST_PIH

    document = compute(read_document(random_document(Random(seed))))
    xml = unstamped_xml(write(document, ChainPlace("0f5c", 1, FIRST_PIH)))
    found, facts = read_amounts(xml), read_invoice(xml)
    assert found is not None
    assert facts.vat is not None and facts.vat_sar is not None and facts.totals.tax_exclusive is not None
    assert (found.currency, found.taxable) == (facts.currency, facts.totals.tax_exclusive.value)
    assert (found.vat, found.vat_sar) == (facts.vat.value, facts.vat_sar.value)


def test_one_tax_total_serves_for_both_only_in_riyal() -> None:
    start = (
        '<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2" '
        f'xmlns:cac="{CAC[1:-1]}" xmlns:cbc="{CBC[1:-1]}"><cbc:DocumentCurrencyCode>'
    )
    rest = (
        "</cbc:DocumentCurrencyCode><cac:TaxTotal><cbc:TaxAmount>15.00</cbc:TaxAmount>{subtotal}</cac:TaxTotal>"
        "<cac:LegalMonetaryTotal><cbc:TaxExclusiveAmount>100.00</cbc:TaxExclusiveAmount></cac:LegalMonetaryTotal>"
        "</Invoice>"
    )
    for subtotal in ("", "<cac:TaxSubtotal/>"):
        found = read_amounts(f"{start}SAR{rest.format(subtotal=subtotal)}".encode())
        assert found is not None
        assert (found.taxable, found.vat, found.vat_sar) == (Decimal("100.00"), Decimal("15.00"), Decimal("15.00"))
        assert read_amounts(f"{start}USD{rest.format(subtotal=subtotal)}".encode()) is None
    for wrong in ("", "1e3", "-", "1" * 21):
        text = rest.format(subtotal="").replace("100.00", wrong)
        assert read_amounts(f"{start}SAR{text}".encode()) is None


def test_a_day_is_found_by_the_index(tmp_path: Path) -> None:
    """SQLite says how it would look: a day of one unit is no walk through the years of all units."""
    with open_ledger(Home(tmp_path, environ={}), SystemClock()) as ledger, ledger._store.read() as connection:
        query = documents.in_days(select(schema.document.c.type_code), 1, date(2026, 3, 1), date(2026, 3, 2))
        compiled = query.compile(connection, compile_kwargs={"literal_binds": True})
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}") if "document" in row[3]]
    assert len(plan) == 2
    assert "document_day (unit_id=? AND issue_date>? AND issue_date<?)" in plan[0]
    assert "document_unsent (unit_id=?)" in plan[1]
