"""A browser for the pages: Playwright driving the distribution's Chromium, and a simulator to look at.

Without Playwright or a Chromium the tests are skipped with the reason; where CI says that it is one, they fail.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from tests.wire.simulator_caller import Caller, Unit, fresh

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PICTURES = os.environ.get("SCREENSHOTS")
"""The folder for screenshots; none are made without it."""


def _missing(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"{reason}: a CI run must have a browser")
    pytest.skip(reason)


# Not for the whole session: while it is open Playwright keeps an event loop running in this thread, and the tests of
# other rooms that come after need one of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("Playwright is not installed (pip install 'khatm[test]')")
    with sync_playwright() as playwright:
        known = (shutil.which(name) for name in CHROMIUMS)
        found = [each for each in (*known, playwright.chromium.executable_path) if each and Path(each).exists()]
        if not found:
            _missing("no Chromium is on this machine (apt-get install chromium, or playwright install chromium)")
        started = playwright.chromium.launch(executable_path=found[0], args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="session")
def running() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running: EmbeddedSimulator) -> EmbeddedSimulator:
    return fresh(running)


@pytest.fixture
def unit(simulator: EmbeddedSimulator) -> Unit:
    return Unit(Caller(simulator, Environment.SIMULATION), "1100")


_UNAVAILABLE = "Failed to load resource"
"""What a browser says of every answer that is an error; the answers are looked at by themselves."""
NewPage = Callable[..., "Page"]


@pytest.fixture
def new_page(browser: "Browser", simulator: EmbeddedSimulator) -> Iterator[NewPage]:
    """Opens pages of contexts of their own; whatever a page complains of in its console fails the test.

    `expected` is part of the complaints that a test provokes.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def make(language: str = "en", width: int = 1280, *, expected: str = _UNAVAILABLE, scripts: bool = True) -> "Page":
        def heard(message: "ConsoleMessage") -> None:
            if message.type == "error" and not any(each in message.text for each in (expected, _UNAVAILABLE)):
                complaints.append(message.text)

        context = browser.new_context(
            viewport={"width": width, "height": 844 if width < 500 else 800},
            locale="ar-SA" if language == "ar" else "en-GB",
            base_url=simulator.url,
            java_script_enabled=scripts,
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.on("console", heard)
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def follow(page: "Page", control: "Locator") -> None:
    """Click and wait for the page that comes: a click may return before the browser has begun to leave the old one."""
    with page.expect_navigation():
        control.click()


@pytest.fixture
def picture() -> Callable[["Page", str], None]:
    """Keeps a screenshot if screenshots are asked for."""

    def keep(page: "Page", name: str) -> None:
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"{name}.png")

    return keep
