"""A visitor of the simulator's pages without a browser: keeps cookies, sends forms as they were given."""

import re
from dataclasses import dataclass, field
from typing import Any

import httpx
from lxml import html

from khatm.simulator.embedded import EmbeddedSimulator
from tests.wire.simulator_caller import SELLER

SCRIPT_PLACES = re.compile(r"/portal/static/\w+\.js")


@dataclass
class Visitor:
    """One browser session."""

    simulator: EmbeddedSimulator
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.simulator.url, trust_env=False, timeout=30, follow_redirects=True)

    def get(self, path: str, **query: str) -> httpx.Response:
        """Open a page."""
        return self.http.get(path, params=query)

    def post(self, path: str, **fields: Any) -> httpx.Response:
        """Send a form with the token that the pages of this session carry."""
        return self.http.post(path, data={"token": self.token(), **fields})

    def token(self) -> str:
        """The token of this session's forms."""
        page = tree(self.get("/portal/sign-in"))
        return str(page.xpath("string((//input[@name='token']/@value)[1])"))

    def signed_in(self, vat_number: str = SELLER, environment: str = "simulation") -> "Visitor":
        """Sign in."""
        answer = self.post("/portal/sign-in", vat_number=vat_number, environment=environment)
        assert answer.url.path == "/portal", answer.text
        return self


def tree(answer: httpx.Response) -> html.HtmlElement:
    """The page as a browser would build it."""
    return html.document_fromstring(answer.text)


def texts(answer: httpx.Response, xpath: str) -> list[str]:
    """The texts at an XPath, blanks as one."""
    return [" ".join(each.text_content().split()) for each in tree(answer).xpath(xpath)]


def runs_no_foreign_script(answer: httpx.Response) -> bool:
    """Tell whether a page has our own script files only, and neither handlers nor script addresses nor frames."""
    page = tree(answer)
    for script in page.iter("script"):
        if not SCRIPT_PLACES.fullmatch(script.get("src", "")) or (script.text or "").strip():
            return False
    attributes = [(name, value) for each in page.iter() if isinstance(each.tag, str) for name, value in each.items()]
    return not any(
        name.startswith("on") or value.strip().lower().startswith(("javascript:", "data:"))
        for name, value in attributes
    ) and not list(page.iter("iframe", "object", "embed", "base", "style"))
