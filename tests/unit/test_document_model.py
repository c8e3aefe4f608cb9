"""The authoring format: what it refuses, where, and with which facts; and that numbers never become floats."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from khatm.document.arithmetic import compute
from khatm.document.errors import InvalidDocument, Problem
from khatm.document.model import authoring_data, json_schema, read_document, read_party

AUTHORED = Path(__file__).parents[1] / "data" / "authored"
Json = dict[str, Any]


def document(name: str = "04", **changes: Any) -> Json:
    """Return the input of a corpus document by its number, with members replaced."""
    [path] = AUTHORED.glob(f"{name}-*.json")
    data: Json = json.loads(path.read_text("utf-8"))["input"]
    return {**data, **changes}


def problems(data: Any) -> dict[str, Problem]:
    with pytest.raises(InvalidDocument) as refusal:
        compute(read_document(data))
    assert refusal.value.exit_code == 2
    return {problem.path: problem for problem in refusal.value.problems}


def set_at(data: Json, path: str, value: Any) -> Json:
    """Set `lines[0].vat.rate` to a value; `...` takes the member away."""
    data = deepcopy(data)
    steps: list[Any] = [
        int(step) if step.isdigit() else step for step in path.replace("[", ".").replace("]", "").split(".")
    ]
    at: Any = data
    for step in steps[:-1]:
        at = at.setdefault(step, {}) if isinstance(at, dict) else at[step]
    if value is ...:
        del at[steps[-1]]
    else:
        at[steps[-1]] = value
    return data


LINE = {"name": "Item", "quantity": "1", "price": "10", "vat": {"category": "S", "rate": "15"}}
ZERO = {"category": "Z", "rate": "0", "reason_code": "VATEX-SA-35"}


@pytest.mark.parametrize(
    ("path", "value", "found", "allowed"),
    [
        ("kind", "quote", '"quote"', "'invoice', 'credit_note', 'debit_note' or 'prepayment'"),
        ("kind", ..., "", "required"),
        ("profile", "simple", '"simple"', "'standard' or 'simplified'"),
        ("flags", ["export", "export"], '["export", "export"]', "each flag once"),
        ("number", "", '""', "text"),
        ("number", "x" * 128, "x", "at most 127 characters"),
        ("number", 7, "7", "text in quotes"),
        ("issue_date", "2026-02-30", '"2026-02-30"', "YYYY-MM-DD"),
        ("issue_date", "1999-12-31", '"1999-12-31"', "2000 or later"),
        ("issue_date", "2026-03-02Z", '"2026-03-02Z"', "YYYY-MM-DD"),
        ("issue_time", "24:00:00", '"24:00:00"', "hh:mm:ss"),
        ("issue_time", "9:15:00", '"9:15:00"', "hh:mm:ss"),
        ("issue_time", "09:15:00+03:00", '"09:15:00+03:00"', "without fractions or offset"),
        ("uuid", "not-a-uuid", '"not-a-uuid"', "a UUID"),
        ("counter", -1, "-1", "0 or more"),
        ("counter", "1", '"1"', "a whole number"),
        ("previous_hash", "abc", '"abc"', "base64"),
        ("currency", "sar", '"sar"', "178 ISO 4217 codes"),
        ("currency", "SLE", '"SLE"', "178 ISO 4217 codes"),
        ("sar_rate", "3.75", '"3.75"', "no rate for a document in SAR"),
        ("seller", ..., "", "required"),
        ("seller.name", ..., "", "required"),
        ("seller.vat", "399999998100004", '"399999998100004"', "15 digits that begin and end with 3"),
        ("seller.ids", {"NAT": "1034758291"}, '{"NAT": "1034758291"}', "CRN, MOM, MLS, 700, SAG, OTH"),
        ("seller.ids", {"CRN": "1010734512", "MOM": "1"}, "CRN", "one identification only"),
        ("seller.ids.CRN", "10-10", '"10-10"', "letters A-Z and digits 0-9 only"),
        ("seller.address", ..., "", "required"),
        ("seller.address.building", "34", '"34"', "4 digits"),
        ("seller.address.postal_code", "1234", '"1234"', "5 digits"),
        ("seller.address.country", "KSA", '"KSA"', "ISO 3166-1"),
        ("seller.address.city", ..., "", "required"),
        ("buyer.vat", "DE811234785", '"DE811234785"', "15 digits"),
        ("buyer.contact.telephone", "0501-112", '"0501-112"', "0 or +"),
        ("buyer.contact.email", "sara", '"sara"', "an e-mail address"),
        ("supply.date", "yesterday", '"yesterday"', "YYYY-MM-DD"),
        ("payment.code", "69", '"69"', "10 cash"),
        ("payment.code", ..., "", "required"),
        ("lines", [], "[]", "at least 1"),
        ("lines", "none", '"none"', "a list"),
        ("lines[0]", "none", '"none"', "an object"),
        ("lines[0].name", "  \u0001 ", "", "text"),
        ("lines[0].quantity", "0", '"0"', "more than zero"),
        ("lines[0].quantity", "-1", '"-1"', "more than zero"),
        ("lines[0].quantity", "1e3", '"1e3"', "no exponent"),
        ("lines[0].quantity", "NaN", '"NaN"', "no NaN"),
        ("lines[0].quantity", "Infinity", '"Infinity"', "digits 0-9"),
        ("lines[0].quantity", "1,5", '"1,5"', "no separators"),
        ("lines[0].quantity", "٣", '"٣"', "digits 0-9"),
        ("lines[0].quantity", "", '""', "a decimal number as text"),
        ("lines[0].quantity", True, "true", "a decimal number as text"),
        ("lines[0].quantity", 1.5, "the float 1.5", "a decimal number as text"),
        ("lines[0].quantity", "1" * 13, "1" * 13, "at most 12 digits"),
        ("lines[0].price", "-0.01", '"-0.01"', "zero or more"),
        ("lines[0].per", "0", '"0"', "more than zero"),
        ("lines[0].price_basis", "brutto", '"brutto"', "'net' or 'gross'"),
        ("lines[0].vat.category", "AE", '"AE"', "'S', 'Z', 'E' or 'O'"),
        ("lines[0].vat.rate", "10", '"10"', "15 or 5"),
        ("lines[0].vat.rate", "0", '"0"', "15 or 5"),
        ("lines[0].vat.rate", "15.5", '"15.5"', "15 or 5"),
        ("lines[0].vat.rate", ..., "", "15 or 5"),
        ("lines[0].vat.reason_code", "VATEX-SA-35", '"VATEX-SA-35"', "no reason for category S"),
        ("lines[0].discounts[0]", {"reason": "x"}, "reason", "either `amount` or `percent`"),
        ("lines[0].discounts[0]", {"amount": "1", "percent": "1"}, "amount", "either `amount` or `percent`"),
        ("lines[0].discounts[0].percent", "100.01", '"100.01"', "0 to 100"),
        ("lines[0].discounts[0].percent", "1.125", '"1.125"', "at most two decimals"),
        ("lines[1].charges[0].code", "95", '"95"', "UNTDID 7161"),
        ("lines[1].charges[0].reason", ..., "", "required"),
        ("lines[1].price_discount", "640.01", '"640.01"', "at most the price"),
        ("rounding", "0.001", '"0.001"', "two decimals"),
        ("round_to", "0", '"0"', "more than zero"),
        ("notes", [{"text": "x", "lang": "a_b"}], None, None),
        ("attachments", [{"id": "icv", "filename": "a", "mime_code": "text/csv", "content": "QQ=="}], None, None),
        ("attachments", [{"id": "A", "filename": "a", "mime_code": "text/html", "content": "QQ=="}], None, None),
        ("attachments", [{"id": "A", "filename": "a", "mime_code": "text/csv", "content": "Q"}], None, None),
    ],
)
def test_each_wrong_value_is_named_with_what_is_allowed(path: str, value: Any, found: str | None, allowed: str) -> None:
    told = problems(set_at(document(), path, value))
    if found is None:
        assert [at for at in told if at.startswith(f"{path}[0].")] == list(told)
        return
    assert list(told) == [path]
    assert found in told[path].found if found else told[path].found == "" or path.endswith("name")
    wanted = "a value, it is required" if allowed == "required" else allowed
    assert wanted in told[path].allowed
    for sentence in (told[path].sentence("en"), told[path].sentence("ar")):
        assert sentence.startswith(path) and "{" not in sentence.replace(told[path].found, "")
    assert told[path].allowed_ar


def standard(**changes: Any) -> Json:
    return document("01", **changes)


def with_vats(*vats: Json) -> Json:
    return standard(lines=[{**LINE, "vat": vat} for vat in vats])


def credit_note(**changes: Any) -> Json:
    return document("12", **changes)


def simplified(**changes: Any) -> Json:
    return document("07", **changes)


@pytest.mark.parametrize(
    ("data", "path", "allowed"),
    [
        (standard(flags=["export", "self_billed"]), "flags", "one of the two"),
        (simplified(flags=["self_billed"]), "flags", "standard documents only"),
        (credit_note(references=[]), "references", "the number of the document"),
        (credit_note(reasons=None), "reasons", "why the note is issued"),
        (standard(references=[{"number": "1"}]), "references", "on credit and debit notes only"),
        (standard(reasons=["because"]), "reasons", "on credit and debit notes only"),
        (standard(buyer=None), "buyer", "name, address and VAT number"),
        (set_at(standard(), "buyer.name", ...), "buyer.name", "the buyer's name"),
        (set_at(standard(), "buyer.vat", ...), "buyer.vat", "a VAT number, or one other identification"),
        (set_at(standard(), "buyer.address", ...), "buyer.address", "the buyer's address"),
        (set_at(standard(), "buyer.address.street", ...), "buyer.address.street", "a value on a standard document"),
        (set_at(standard(), "buyer.address.country", ...), "buyer.address.country", "a value on a standard document"),
        (set_at(standard(), "buyer.address.district", ...), "buyer.address.district", "a value on a standard document"),
        (set_at(standard(), "buyer.address.postal_code", "135"), "buyer.address.postal_code", "5 digits"),
        (set_at(standard(), "buyer.vat", "399999998100003"), "buyer.vat", "another number than the seller's"),
        (set_at(standard(), "buyer.ids", {"NAT": "1", "PAS": "2"}), "buyer.ids", "one identification only"),
        (standard(flags=["b2g"]), "contract_ref", "the contract reference"),
        (simplified(flags=["nominal", "b2g"], contract_ref="C"), "buyer", "name, address"),
        (simplified(flags=["summary"], supply={"date": "2026-03-01", "end": "2026-03-02"}), "buyer.name", "summary"),
        (simplified(flags=["summary"], buyer={"name": "S"}, supply={"date": "2026-03-01"}), "supply.end", "both dates"),
        (standard(supply={"date": "2026-03-02", "end": "2026-03-01"}), "supply.end", "2026-03-02 or later"),
        (standard(supply={"end": "2026-03-01"}), "supply.end", "2026-03-02 or later"),  # the date is the issue date
        (simplified(supply={"end": "2026-03-01"}), "supply.date", "the first day"),
        (standard(currency="USD"), "sar_rate", "riyals per one USD"),
        (standard(currency="USD", sar_rate="3.75000000000000"), "sar_rate", "at most 14 characters"),
        (standard(rounding="0.01", round_to="0.05"), "round_to", "either rounding or round_to"),
        (with_vats({"category": "Z", "rate": "0"}), "lines[0].vat.reason_code", "VATEX-SA-32"),
        (with_vats({"category": "E", "reason_code": "VATEX-SA-35"}), "lines[0].vat.reason_code", "VATEX-SA-29"),
        (with_vats({"category": "O", "reason": "fee"}), "lines[0].vat.reason_code", "VATEX-SA-OOS"),
        (with_vats({**ZERO, "rate": "15"}), "lines[0].vat.rate", "0 for category Z"),
        (with_vats(ZERO, {**ZERO, "reason_code": "VATEX-SA-36"}), "lines[1].vat.reason_code", "one reason per"),
        (with_vats(ZERO, {**ZERO, "reason": "other"}), "lines[1].vat.reason", "one reason per category"),
        (with_vats({**ZERO, "reason_code": "VATEX-SA-EDU"}), "buyer.ids.NAT", "national ID"),
        (with_vats({**ZERO, "reason_code": "VATEX-SA-HEA"}), "buyer.ids.NAT", "national ID"),
        (standard(charges=[{"amount": "1", "reason": "r", "code": "FC", "vat": {"category": "E"}}]),
         "charges[0].vat.reason_code", "a reason, no line has category E"),
        (document("10", prepayments=[{**document("10")["prepayments"][0], "parts": [
            {"category": "S", "rate": "15", "taxable": "100", "tax": "15.02"}]}]),
         "prepayments[0].parts[0].tax", "15.00"),
        (document("10", prepayments=[{**document("10")["prepayments"][0], "parts": [
            {**ZERO, "reason_code": "VATEX-SA-ROYALDECREE", "taxable": "100"}]}]),
         "prepayments[0].parts[0].reason_code", "any code of the category but"),
        (document("10", prepayments=[{**document("10")["prepayments"][0], "parts": [
            {**ZERO, "reason_code": "VATEX-SA-EDU", "taxable": "100"}]}]), "buyer.ids.NAT", "national ID"),
        # What only the arithmetic can see:
        (standard(discounts=[{"amount": "30.10"}]), "discounts", "leave each VAT group at zero or more"),
        (standard(lines=[{**LINE, "discounts": [{"amount": "10.01"}]}]), "lines[0].discounts", "zero or more"),
        (standard(lines=[{**LINE, "price": "0"}], charges=[{"amount": "1", "reason": "r", "code": "FC"}]),
         "charges[0].vat", "no line amount"),
        (standard(rounding="-34.61"), "rounding", "zero or more to pay"),
        (document("10", prepayments=[{**document("10")["prepayments"][0], "parts": [
            {"category": "S", "rate": "15", "taxable": "40000"}]}]), "prepayments", "zero or more to pay"),
    ],
)  # fmt: skip
def test_each_business_refusal(data: Json, path: str, allowed: str) -> None:
    told = problems(data)
    assert list(told) == [path]
    assert allowed in told[path].allowed
    assert told[path].allowed_ar


def test_all_problems_come_at_once() -> None:
    data = document("12", kind="credit_note", references=None, currency="USD", colour="red")
    data = set_at(set_at(data, "lines[0].quantity", "0"), "seller.vat", "1")
    assert sorted(problems(data)) == ["colour", "lines[0].quantity", "references", "sar_rate", "seller.vat"]


def test_unknown_fields_are_errors_and_name_the_nearest_known_one() -> None:
    told = problems(set_at(document(), "lines[0].vat.rte", "15"))
    assert told["lines[0].vat.rte"].code == "unknown-field"
    assert told["lines[0].vat.rte"].allowed.startswith("rate, ")
    assert "there is no such field" in told["lines[0].vat.rte"].sentence()
    assert list(problems(set_at(document(), "seller.address.zip", "1"))) == ["seller.address.zip"]
    assert list(problems(document(issuedate="2026-03-02"))) == ["issuedate"]


@pytest.mark.parametrize(
    ("text", "path", "found"),
    [
        (b"\xff{}", "", "bytes that are not UTF-8"),
        (b"{", "", "no JSON"),
        (b"[]", "", "a JSON list"),
        (b"null", "", "a JSON null"),
        (b'{"kind": "invoice", "kind": "invoice"}', "kind", "twice"),
        (b"[" * 100_000, "", "JSON"),
        (b'{"notes": ' + b"[" * 900 + b"]" * 900 + b"}", "", "nested deeper than 32 levels"),
    ],
)
def test_what_is_no_json_object_is_refused(text: bytes, path: str, found: str) -> None:
    told = problems(text)
    assert list(told) == [path]
    assert found in told[path].found


@pytest.mark.parametrize("number", ["1.5", "1e3", "NaN", "Infinity", "-Infinity", "1" * 30])
def test_json_numbers_that_are_not_plain_whole_ones_are_refused_as_they_were_written(number: str) -> None:
    text = json.dumps(document("07")).replace('"quantity": "3"', f'"quantity": {number}')
    told = problems(text)
    assert list(told) == ["lines[0].quantity"]
    assert told["lines[0].quantity"].found == f"the JSON number {number}"


def test_numbers_are_exact_decimals() -> None:
    data = json.dumps(document("07")).replace('"quantity": "3"', '"quantity": 3')
    line = read_document(data).lines[0]
    assert (line.quantity, line.price) == (Decimal(3), Decimal(14))
    price = "0.100000000000001"
    assert read_document(set_at(document("07"), "lines[0].price", price)).lines[0].price == Decimal(price)
    assert read_document(set_at(document("07"), "lines[0].price", Decimal("0.1"))).lines[0].price == Decimal("0.1")
    assert str(read_document(set_at(document("07"), "lines[0].price", "-0")).lines[0].price) == "0"


def test_null_means_the_same_as_leaving_out() -> None:
    data = document("07", buyer=None, discounts=None, uuid=None, counter=None, previous_hash=None)
    read = read_document(data)
    assert (read.buyer, read.discounts, read.uuid, read.counter, read.previous_hash) == (None, (), None, None, None)


def test_texts_are_cleaned() -> None:
    data = document("07", number=" GC-1\t", notes=[{"text": "one\r\ntwo\rthree\x0b\ufffe\ud800"}])
    read = read_document(data)
    assert (read.number, read.notes[0].text) == ("GC-1", "one\ntwo\nthree")


def test_issue_date_and_time_are_now_in_saudi_arabia() -> None:
    data = document("07")
    del data["issue_date"], data["issue_time"]
    read = read_document(data, now=datetime(2026, 3, 31, 22, 30, 5, tzinfo=UTC))
    assert (read.issue_date, read.issue_time) == ("2026-04-01", "01:30:05")


def test_defaults_stand_in_for_what_is_absent() -> None:
    data = document("07")
    seller = data.pop("seller")
    assert list(problems(data)) == ["seller"]
    assert read_document(data, defaults={"seller": seller}).seller.vat == seller["vat"]
    other = {**seller, "vat": "399999996300003"}
    assert read_document({**data, "seller": other}, defaults={"seller": seller}).seller.vat == other["vat"]


def test_a_seller_block_can_be_read_alone() -> None:
    seller = document()["seller"]
    assert read_party(seller).vat == "399999998100003"
    with pytest.raises(InvalidDocument) as refusal:
        read_party({**seller, "vat": "1", "colour": "red"})
    assert [problem.path for problem in refusal.value.problems] == ["vat", "colour"]


@pytest.mark.parametrize("path", sorted(AUTHORED.glob("*.json")), ids=lambda path: path.stem)
def test_a_document_can_be_written_back_as_input(path: Path) -> None:
    read = read_document(json.loads(path.read_bytes())["input"])
    again = json.dumps(read.as_input())
    assert read_document(again) == read


def test_authoring_data_gives_the_members_as_they_stand() -> None:
    data = document()
    assert authoring_data(json.dumps(data).encode()) == data
    assert authoring_data("\ufeff{}".encode()) == {}


def test_the_json_schema_knows_every_member(schema_of: Callable[[str], Json]) -> None:
    schema = json_schema()
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"kind", "number", "seller", "lines"}
    assert set(schema["properties"]) >= set(document("10"))
    line = schema_of("Line")
    assert set(line["properties"]) >= {"name", "quantity", "price", "vat", "per", "price_basis", "charges"}
    assert line["properties"]["quantity"]["anyOf"][0]["pattern"]
    assert schema_of("Seller")["properties"]["vat"]["pattern"] == "^(3[0-9]{13}3)$"
    assert line["properties"]["name"]["description"] == "BT-153."
    assert line["properties"]["quantity"]["description"] == "BT-129. A decimal number as text, more than zero."
    assert schema_of("PrepaymentPart")["properties"]["reason_code"]["description"].startswith("BT-121")
    assert schema["properties"]["flags"]["description"] == "With the profile, KSA-2."
    json.dumps(schema)


@pytest.fixture
def schema_of() -> Callable[[str], Json]:
    definitions = json_schema()["$defs"]
    return lambda name: definitions[name]
