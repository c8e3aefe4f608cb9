"""The grade in a browser: live in the portal, and as the file that a CI job keeps, in both languages."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from khatm.simulator.embedded import EmbeddedSimulator
from khatm.simulator.grading.cases import CASES
from khatm.simulator.web.grade import report_page
from tests.browser.conftest import NewPage
from tests.browser.test_appearance import MEASURES, everything
from tests.wire.grading_client import SIMPLE, STANDARD, Rehearsal

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOSTILE = "<img src=x onerror=alert(1)><script>alert(1)</script>"
TITLES = {each.id: each for each in CASES}


@pytest.fixture
def client(simulator: EmbeddedSimulator) -> Iterator[Rehearsal]:
    """A client that has failed, passed, and left open a case or two."""
    with Rehearsal.open(simulator, "report-answer-lost", "server-error", "report-rejected", "clearance-off") as found:
        first, _ = found.submit(SIMPLE)
        found.send(SIMPLE, first)
        second, _ = found.submit(SIMPLE)
        found.wait(2)
        found.send(SIMPLE, second)
        third, _ = found.submit(SIMPLE)
        found.send(SIMPLE, third)
        found.submit(STANDARD)
        yield found
        simulator.fatoora.grader = None


def say_hostile_things(client: Rehearsal) -> None:
    client.call("/invoices/" + "unbreakable" * 12, {}, None)
    client.call("/compliance", {}, None, Accept_Version=HOSTILE)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_portal_shows_how_the_client_does(
    client: Rehearsal, new_page: NewPage, language: str, picture: Callable[["Page", str], None]
) -> None:
    page = new_page(language)
    page.goto("/portal/exchanges")
    with page.expect_navigation():
        page.locator("#menu a[href='/portal/grade']").click()
    page.wait_for_selector("#state-31 .failed")
    picture(page, f"grade-portal-{language}")
    say_hostile_things(client)
    page.goto("/portal/grade")
    page.wait_for_selector("#state-1 .failed")
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert everything(page, "/portal/grade") == []
    with page.expect_navigation():
        page.locator("#case-31 .evidence a").first.click()
    page.wait_for_selector("h1")


def test_the_page_follows_the_client(client: Rehearsal, new_page: NewPage) -> None:
    page = new_page("en")
    page.goto("/portal/grade")
    page.wait_for_selector("#state-36 .undecided")
    cleared, _ = client.submit(STANDARD)
    client.send(STANDARD, cleared)
    page.wait_for_selector("#state-34 .undecided")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_report_needs_nothing_but_itself(
    client: Rehearsal,
    new_page: NewPage,
    language: str,
    tmp_path: Path,
    picture: Callable[["Page", str], None],
) -> None:
    report = tmp_path / "grade.html"
    report.write_text(report_page(client.grade()), encoding="utf-8")
    page = new_page(language, scripts=language == "en")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    if language == "ar":
        page.locator("label[for='in-ar']").click()
    shown, other = page.locator(f"main.in-{language}"), page.locator(f"main:not(.in-{language})")
    shown.wait_for(state="visible")
    other.wait_for(state="hidden")
    shown.locator("details[open]").first.evaluate("element => element.scrollIntoView({ block: 'center' })")
    picture(page, f"grade-{language}")
    say_hostile_things(client)
    report.write_text(report_page(client.grade()), encoding="utf-8")
    page.goto(report.as_uri())
    if language == "ar":
        page.locator("label[for='in-ar']").click()
    shown.wait_for(state="visible")
    assert set(asked) == {report.as_uri()}
    title = shown.locator("details[open] .name", has_text=TITLES["report-rejected"].text("title", language))  # type: ignore[arg-type]
    title.wait_for(state="visible")
    assert shown.evaluate("element => getComputedStyle(element).direction") == ("rtl" if language == "ar" else "ltr")
    hostile = shown.locator("details[open] .found", has_text=HOSTILE)
    hostile.wait_for(state="visible")
    found = []
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        shown.evaluate("element => element.querySelectorAll('details').forEach((each) => { each.open = true; })")
        page.evaluate(MEASURES)
        found += [
            f"{width} {kind} {each}"
            for kind in ("overflowing", "overlapping", "faint")
            for each in page.evaluate(f"measures.{kind}()")
        ]
    assert found == []
    if language == "ar":
        number, name = (
            shown.locator("summary .number").first.bounding_box(),
            shown.locator("summary .name").first.bounding_box(),
        )
        assert number is not None and name is not None
        assert number["x"] > name["x"], "the number stands at the right"
