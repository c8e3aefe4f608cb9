"""The rules engine: one walk, aborts, limits, and every site of the specification registered once per edition."""

import csv
import gc
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from khatm.document.xml import CAC, CBC, INV, parse
from khatm.rules import en16931, engine
from khatm.rules.abort import Abort, AbortKind
from khatm.rules.edition import DEFAULT, Edition
from khatm.rules.engine import FINDINGS_LIMIT, judge, judge_stage, run
from khatm.rules.errors import UnknownEdition
from khatm.rules.findings import StageReport
from khatm.rules.reading import Node, Reading, one, opt, read
from khatm.rules.site import Over, Site

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def reading_of(body: str, root: str = "Invoice") -> Reading:
    return read(parse(f'<{root} xmlns="{INV}" xmlns:a="{CAC}" xmlns:b="{CBC}">{body}</{root}>'.encode()))


class TestReading:
    def test_names_do_not_depend_on_the_documents_prefixes(self) -> None:
        reading = reading_of('<a:InvoiceLine/><a:InvoiceLine><b:ID>2</b:ID></a:InvoiceLine><x xmlns="urn:x"/>')
        (number,) = reading.named("cbc:ID")
        assert number.location() == "/inv:Invoice[1]/cac:InvoiceLine[2]/cbc:ID[1]"
        assert reading.root.path("cac:InvoiceLine", "cbc:ID") == [number]
        assert reading.named("{urn:x}x")[0].location() == "/inv:Invoice[1]/Q{urn:x}x[1]"
        assert [node.name for node in reading.root.children] == ["cac:InvoiceLine", "cac:InvoiceLine", "{urn:x}x"]

    @pytest.mark.parametrize(
        ("content", "text", "texts"),
        [
            ("", "", []),
            (" 1 ", " 1 ", [" 1 "]),
            ("1<!-- no -->0", "10", ["1", "0"]),
            ("1<?no way?>0", "10", ["1", "0"]),
            ("1<![CDATA[&]]>0", "1&0", ["1&0"]),
            ("1<b:X>2</b:X>3", "123", ["1", "3"]),
            ("<!-- only -->", "", []),
        ],
    )
    def test_string_values_and_text_nodes(self, content: str, text: str, texts: list[str]) -> None:
        for other in ("", "<!-- a comment elsewhere -->"):
            reading = reading_of(f"<b:Note>{content}</b:Note>{other}")
            (note,) = reading.named("cbc:Note")
            assert note.text == text
            assert note.texts == texts

    def test_a_container_has_the_text_of_all_below(self) -> None:
        reading = reading_of("<a:Party> <b:ID>1</b:ID><b:Name>2</b:Name> </a:Party>")
        assert reading.named("cac:Party")[0].text == " 12 "
        assert read(etree.fromstring("<x>1</x>")).root.text == "1"

    def test_attributes_of_a_namespace_have_its_name(self) -> None:
        reading = reading_of('<b:ID schemeID=" x " xml:lang="en">1</b:ID><b:Name name="n"/>')
        (number,) = reading.named("cbc:ID")
        assert number.attribute("schemeID") == " x "
        assert number.attribute("lang") is None
        assert number.attributes == {"schemeID": " x ", "{http://www.w3.org/XML/1998/namespace}lang": "en"}
        assert reading.attribute_values("name") == ["n"]

    def test_single_nodes(self) -> None:
        ids = reading_of("<b:ID>1</b:ID><b:ID>2</b:ID>")
        assert one([]) is None
        assert opt([]) == ""
        assert one(ids.named("cbc:ID")[:1]) == "1"
        with pytest.raises(Abort) as caught:
            one(ids.named("cbc:ID"))
        assert caught.value.kind is AbortKind.MULTIPLE
        assert caught.value.node is ids.named("cbc:ID")[1]

    def test_document_order_across_names(self) -> None:
        reading = reading_of("<a:CreditNoteLine/><a:InvoiceLine/><a:CreditNoteLine/>")
        lines = reading.any_of("cac:InvoiceLine", "cac:CreditNoteLine")
        assert [line.order for line in lines] == [1, 2, 3]

    def test_facts_are_computed_once_and_shared_with_later_times(self) -> None:
        reading, calls = reading_of(""), []

        def fact(found: Reading) -> int:
            calls.append(found)
            return len(calls)

        assert [reading.fact(fact), reading.at(NOW).fact(fact), reading.fact(fact)] == [1, 1, 1]
        with pytest.raises(LookupError):
            _ = reading.now
        assert reading.at(NOW).now == NOW

    def test_the_collector_is_back_after_a_walk(self) -> None:
        reading_of("")
        assert gc.isenabled()
        gc.disable()
        try:
            reading_of("")
            assert not gc.isenabled()
        finally:
            gc.enable()


class TestEngine:
    def test_an_abort_leaves_one_finding_of_ours(self) -> None:
        reading = reading_of("<b:ID>x</b:ID>")

        def fails(found: Reading) -> list[Node]:
            return [found.root]

        def aborts(found: Reading) -> list[Node]:
            raise Abort(AbortKind.CAST, "x", found.named("cbc:ID")[0])

        report = run("ksa", (Site("001", "BR-1", "error", fails), Site("002", "BR-2", "warning", aborts)), reading)
        (finding,) = report.findings
        assert report.status == "failed"
        assert (finding.rule, finding.severity, finding.site) == ("KHATM-ABORT-CAST", "error", "ksa:002")
        assert (finding.location, finding.found) == ("/inv:Invoice[1]/cbc:ID[1]", "x")

    def test_tests_taken_part_by_part_end_in_the_order_of_their_sites(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engine, "LONG", 0)
        monkeypatch.setattr(engine, "PART", 1)
        reading = reading_of("<b:ID>1</b:ID><b:ID>x</b:ID><b:ID>2</b:ID><b:ID>y</b:ID>")

        def ids(found: Reading) -> list[Node]:
            return found.named("cbc:ID")

        def letters(_: Reading, nodes: list[Node]) -> list[Node]:
            return [node for node in nodes if node.text.isalpha()]

        def aborts(_: Reading, nodes: list[Node]) -> list[Node]:
            for node in letters(_, nodes):
                raise Abort(AbortKind.CAST, node.text, node)
            return []

        def early(_: Reading, nodes: list[Node]) -> list[Node]:
            raise Abort(AbortKind.CAST, nodes[0].text, nodes[0])

        def report_of(*tests: Over[Node]) -> StageReport:
            sites = tuple(Site(str(place), "BR-1", "error", test) for place, test in enumerate(tests))
            monkeypatch.setattr(engine, "plan", lambda stage, edition: sites)
            return judge_stage("ksa", reading, DEFAULT)

        assert [finding.found for finding in report_of(Over(ids, letters)).findings] == ["x", "y"]
        (finding,) = report_of(Over(ids, letters), Over(ids, aborts), Over(ids, early)).findings
        assert (finding.site, finding.found, finding.location) == ("ksa:1", "x", "/inv:Invoice[1]/cbc:ID[2]")
        (finding,) = report_of(Over(ids, early), Over(ids, aborts)).findings
        assert (finding.site, finding.found) == ("ksa:0", "1")

    def test_warnings_do_not_fail_a_stage(self) -> None:
        def fails(found: Reading) -> list[Node]:
            return found.named("cbc:ID")

        reading = reading_of("<b:ID>x</b:ID>")
        report = run("ksa", (Site("001", "BR-1", "warning", fails),), reading)
        assert (report.status, report.findings[0].found) == ("passed", "x")
        assert run("ksa", (Site("001", "BR-1", "error", fails),), reading).status == "failed"

    def test_a_flood_of_findings_is_cut_but_still_fails(self) -> None:
        def many(found: Reading) -> list[Node]:
            return [found.root] * (FINDINGS_LIMIT + 1)

        def last(found: Reading) -> list[Node]:
            return [found.root]

        sites = (Site("001", "BR-1", "warning", many), Site("002", "BR-2", "error", last))
        report = run("ksa", sites, reading_of(""))
        assert (report.status, len(report.findings)) == ("failed", FINDINGS_LIMIT)
        assert report.note is not None

    def test_two_seller_names_abort_the_european_stage(self) -> None:
        name = "<a:PartyLegalEntity><b:RegistrationName>n</b:RegistrationName></a:PartyLegalEntity>"
        reading = reading_of(f"<a:AccountingSupplierParty><a:Party>{name}{name}</a:Party></a:AccountingSupplierParty>")
        european, _ = judge(reading, DEFAULT, NOW)
        (finding,) = european.findings
        assert (finding.rule, finding.site) == ("KHATM-ABORT-MULTIPLE", "en16931:038")
        assert finding.location.endswith("/cac:PartyLegalEntity[2]/cbc:RegistrationName[1]")

    def test_any_document_element_can_be_judged(self) -> None:
        for data in (b"<x/>", b"<x>text</x>", f'<b:ID xmlns:b="{CBC}">1</b:ID>'.encode()):
            for edition in Edition:
                judge(read(parse(data)), edition, NOW)


class TestEditions:
    def test_names(self) -> None:
        assert Edition.named("3.4.8") is Edition.named("zatca:238-R3.4.8") is DEFAULT
        assert Edition.named("3.3.3") is Edition.R333
        with pytest.raises(UnknownEdition) as caught:
            Edition.named("3.4")
        assert "3.4.8" in caught.value.sentence("en")
        assert "3.4" in caught.value.sentence("ar")

    def test_registered_sites_are_unique_per_edition(self) -> None:
        for edition in Edition:
            numbers = [site.number for site in en16931.SITES if edition in site.editions]
            assert len(numbers) == len(set(numbers))
        assert [site.number for site in en16931.SITES] == sorted(site.number for site in en16931.SITES)

    def test_every_site_of_the_specification_is_registered_once(self, shared_corpus: Path) -> None:
        with (shared_corpus.parent / "spec" / "rules-en16931.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for edition, severity_column in ((Edition.R348, "severity"), (Edition.R333, "severity_333")):
            wanted = Counter(
                (row["site"], row["rule_id"], row["severity"] if row[severity_column] == "=" else row[severity_column])
                for row in rows
                if row[severity_column] != "-"
            )
            registered = Counter(
                (site.number, site.rule, site.severity) for site in en16931.SITES if edition in site.editions
            )
            assert registered == wanted

    def test_a_test_differs_between_editions_where_the_specification_says_so(self, shared_corpus: Path) -> None:
        with (shared_corpus.parent / "spec" / "rules-en16931.csv").open(encoding="utf-8", newline="") as file:
            differing = {row["site"] for row in csv.DictReader(file) if row["condition_333"] != "="}
        assert {site.number for site in en16931.SITES if len(site.editions) == 1} == differing
