"""The grade where people and programs meet it: the command line, /manage/grade, the portal, report files, pytest."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.errors import NotGrading, UnknownCase, UnwritableReport
from khatm.simulator.grading.cases import CASES
from khatm.simulator.grading.report import report_paths
from tests.wire.cli_stage import Desk
from tests.wire.grading_client import SIMPLE, Rehearsal
from tests.wire.portal_visitor import Visitor, runs_no_foreign_script, texts
from tests.wire.simulator_caller import Caller, Unit, http

HOSTILE = "</p><script>alert(1)</script><img src=x onerror=alert(1)>\u202e"


@contextmanager
def program(*arguments: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The program in a process of its own; the caller ends it."""
    command = [sys.executable, "-c", "from khatm.cli.khatm import main; main()", "simulator", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("simulator ready: "), line
            yield line.split(": ", 1)[1].strip(), process
        finally:
            process.kill()


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Stop the program as a CI job does; exit code and last words."""
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    return process.returncode, said


def call(url: str, **headers: str) -> int:
    """A call for a CCSID that brings nothing."""
    address = f"{url}/e-invoicing/simulation/compliance"
    return (
        http()
        .post(address, json={}, headers={name.replace("_", "-"): value for name, value in headers.items()})
        .status_code
    )


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def test_the_exit_code_of_the_program_is_the_grades(tmp_path: Path) -> None:
    report = tmp_path / "grade.html"
    with program("--grade", str(report)) as (_, process):
        assert read(tmp_path / "grade.json")["final"] is False, "it is there from the start"
        code, said = ended(process)
    assert code == 3, "nothing was exercised"
    assert re.fullmatch(
        r"grade: 0 failed, 0 undecided, 0 passed, 41 not exercised; \S+grade.html, \S+grade.json\n", said
    )
    with program("--grade", str(report)) as (url, process):
        assert call(url) == 406
        assert ended(process)[0] == 1
    found = read(tmp_path / "grade.json")
    assert (found["final"], found["exit_code"], found["counts"]["failed"]) == (True, 1, 2)
    assert found["cases"][0]["finding"]["text"]["en"] == "Accept-Version was —."
    with program("--grade", str(report), "--grade-case", "none") as (url, process):
        assert call(url, Accept_Version="V2", OTP="123456") == 400
        assert ended(process)[0] == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == ["grade.html", "grade.json"], "no leavings"


def test_what_cannot_be_graded_is_said_before_anything_is_served(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    ran = desk.khatm("simulator", "--port", "0", "--grade", str(tmp_path / "nowhere" / "grade.html"))
    assert ran.code == 2
    assert "grade.html' : " in ran.said.replace("':", "' :") and "ready" not in ran.out
    ran = desk.khatm("simulator", "--port", "0", "--grade", "g.html", "--grade-case", "nothing")
    assert ran.code == 2
    assert "report-answer-lost" in ran.said
    ran = desk.khatm("simulator", "--port", "0", "--grade-case", "warnings")
    assert ran.code == 2
    assert "--grade REPORT" in ran.said or "needs --grade" in ran.said
    with pytest.raises(UnwritableReport), EmbeddedSimulator(grade=tmp_path / "nowhere" / "grade.html"):
        pass
    with pytest.raises(UnknownCase):
        EmbeddedSimulator(grade=True, grade_cases=["none", "warnings"])


@pytest.mark.parametrize(
    ("given", "page", "members"),
    [
        ("report.html", "report.html", "report.json"),
        ("report.htm", "report.htm", "report.json"),
        ("report.json", "report.html", "report.json"),
        ("report", "report.html", "report.json"),
        ("v1.2", "v1.2.html", "v1.2.json"),
    ],
)
def test_the_two_files_stand_beside_each_other(given: str, page: str, members: str) -> None:
    assert report_paths(Path("a") / given) == (Path("a") / page, Path("a") / members)


@pytest.fixture(scope="module")
def simulator() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator(grade=True) as running:
        yield running


def test_management_shows_the_grade_live_and_as_of_its_end(simulator: EmbeddedSimulator) -> None:
    with Rehearsal.open(simulator, "report-answer-lost") as client:
        client.submit(SIMPLE)
        client.submit(SIMPLE)
        address = f"{simulator.url}/manage/grade"
        live, final = http().get(address).json(), http().get(address, params={"final": "true"}).json()

        def lost(grade: Any) -> Any:
            return next(each for each in grade["cases"] if each["id"] == "report-answer-lost")

        assert (lost(live)["state"], lost(live)["finding"]["key"]) == ("undecided", "waiting")
        assert (lost(final)["state"], lost(final)["finding"]["key"]) == ("failed", "never_again")
        [evidence] = lost(final)["evidence"]
        assert (evidence["endpoint"], evidence["status"], evidence["true_status"]) == ("reporting", None, 200)
        assert evidence["struck"] == {"drop": "close", "when": "after"}
        assert evidence["document"]["number"] == "N-0001"
        recorded = http().get(f"{simulator.url}/manage/exchanges/{evidence['exchange']}").json()
        assert recorded["fault"]["case"] == "report-answer-lost"
        assert (live["format"], len(live["cases"])) == ("khatm-grade/1", len(CASES))
        assert http().get(address, params={"final": "perhaps"}).status_code == 400
        anew = http().delete(address).json()
        assert anew["counts"]["not_exercised"] == len(CASES)


def test_a_reset_begins_the_grading_anew(simulator: EmbeddedSimulator) -> None:
    with Rehearsal.open(simulator) as client:
        client.submit(SIMPLE)
        assert client.grade().count("passed")
        assert http().post(f"{simulator.url}/manage/reset").status_code == 200
        assert client.grade().count("not_exercised") == len(CASES)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_portal_shows_the_grade(simulator: EmbeddedSimulator, language: str) -> None:
    with Rehearsal.open(simulator, "report-rejected") as client:
        document, _ = client.submit(SIMPLE)
        client.send(SIMPLE, document)
        visitor = Visitor(simulator)
        page = visitor.get("/portal/grade", lang=language)
        assert page.status_code == 200
        assert runs_no_foreign_script(page)
        titles = texts(page, "//details[@open]//span[@class='name']")
        assert titles == [next(each for each in CASES if each.id == "report-rejected").text("title", language)]  # type: ignore[arg-type]
        assert texts(page, "//nav//a[@href='/portal/grade']")
        [link] = texts(page, "//details[@open]//ol/li[1]//a[starts-with(@href, '/portal/exchanges/')]")
        assert link


def test_without_grading_there_is_no_page_and_no_entry() -> None:
    with EmbeddedSimulator() as plain:
        visitor = Visitor(plain)
        assert not texts(visitor.get("/portal"), "//nav//a[@href='/portal/grade']")
        assert visitor.get("/portal/grade").status_code == 404
        answer = http().get(f"{plain.url}/manage/grade")
        assert (answer.status_code, answer.json()["error"]) == (404, "not-grading")
        with pytest.raises(NotGrading):
            plain.grade()


def test_what_a_client_sends_stays_text_in_the_report(tmp_path: Path) -> None:
    report = tmp_path / "grade.html"
    with EmbeddedSimulator(grade=report, grade_cases=["report-rejected"]) as simulator:
        unit = Unit(Caller(simulator, Environment.SIMULATION)).onboarded()
        escaped = HOSTILE.replace("<", "&lt;").replace(">", "&gt;")
        number = "<cbc:ID>KH-S-0001</cbc:ID>"
        document = unit.document(SIMPLE, changes={number: f"<cbc:ID>{escaped}</cbc:ID>"})
        unit.send("/invoices/reporting/single", document)
        unit.send("/invoices/reporting/single", document, Accept_Version=HOSTILE.encode("ascii", "ignore").decode())
        http().get(f"{simulator.gateway_url}/simulation/<script>alert(2)</script>")
    page = html.document_fromstring(report.read_text("utf-8"))
    assert list(page.iter("script", "img", "iframe", "object", "embed", "link", "base", "form")) == []
    assert not any(name.startswith("on") for each in page.iter() if isinstance(each.tag, str) for name in each.attrib)
    [policy] = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy.startswith("default-src 'none';")
    assert "<script>alert(1)</script>" in page.xpath("string(//main[1])"), "it is shown"
    assert "<script>alert(2)</script>" in page.xpath("string(//main[1])")
    assert page.xpath("//@src | //@href | //@style") == []
    assert "\u202e" not in page.xpath("string(//main[1])"), "nothing turns the reading direction"


def test_a_report_keeps_no_secret(tmp_path: Path) -> None:
    report = tmp_path / "grade.html"
    with EmbeddedSimulator(grade=report) as simulator:
        caller = Caller(simulator, Environment.SIMULATION)
        with Rehearsal.open(simulator, "none") as client:
            client.submit(SIMPLE)
            assert client.unit.pcsid is not None
            secrets = (
                client.unit.pcsid.secret,
                client.unit.pcsid.token,
                client.unit.pcsid.authorization["Authorization"],
            )
        otp = caller.otp()
        for _ in range(2):
            caller.call("POST", "/compliance", {"csr": client.unit.csr}, OTP=otp)
    for path in report_paths(report):
        text = path.read_text("utf-8")
        assert not any(each in text for each in (*secrets, f">{otp}<", f'"{otp}"'))
