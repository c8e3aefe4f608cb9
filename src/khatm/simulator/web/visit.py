"""One request for a page: the session and language behind it, and the ways to answer it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Final
from urllib.parse import parse_qs, parse_qsl, urlencode

from jinja2 import Environment as Templates
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from khatm.environment import Environment
from khatm.errors import KhatmError, Language
from khatm.simulator.errors import (
    BodyTooLarge,
    ForeignForm,
    InvalidManagementRequest,
    NoFreeOtp,
    NotGrading,
    TaxpayerNotActive,
    TooManySnapshots,
    UnknownDevice,
    UnknownExchange,
    UnknownFault,
    UnknownPage,
    UnknownSnapshot,
)
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.web.catalogue import texts
from khatm.simulator.web.guard import split_address
from khatm.simulator.web.session import Session, Sessions

LANGUAGE_COOKIE: Final = "khatm_language"
LANGUAGES: Final[tuple[Language, ...]] = ("en", "ar")
_LANGUAGE_LIFE = timedelta(days=365)
_MOST_FIELDS = 1000
_STATUSES: dict[type[KhatmError], int] = {
    UnknownDevice: 404,
    UnknownExchange: 404,
    UnknownFault: 404,
    UnknownSnapshot: 404,
    UnknownPage: 404,
    NotGrading: 404,
    ForeignForm: 403,
    BodyTooLarge: 413,
    NoFreeOtp: 409,
    TooManySnapshots: 409,
    TaxpayerNotActive: 409,
}


@dataclass(frozen=True, slots=True)
class Rooms:
    """What all pages share."""

    fatoora: Fatoora
    sessions: Sessions
    templates: Templates


class SignInNeeded(Exception):
    """The page belongs to a taxpayer and nobody is signed in."""


class Visit:
    """One request."""

    def __init__(self, request: Request, rooms: Rooms) -> None:
        self.request = request
        self.rooms = rooms
        self.fatoora = rooms.fatoora
        # Browsers do not tell ports apart, so two simulators on one machine need two names.
        self._cookie = f"khatm_portal_{request.url.port or 80}"
        self.session: Session = rooms.sessions.open(request.cookies.get(self._cookie))
        self._asked = _language(request.query_params.get("lang"))

    @cached_property
    def language(self) -> Language:
        """The page's language: the one asked for, else the one chosen before, else the browser's first that we have."""
        chosen = self._asked or _language(self.request.cookies.get(LANGUAGE_COOKIE))
        if chosen is not None:
            return chosen
        for part in self.request.headers.get("accept-language", "").split(","):
            found = _language(part.strip()[:2].lower())
            if found is not None:
                return found
        return "en"

    @property
    def vat_number(self) -> str:
        """The taxpayer who is signed in. Raises SignInNeeded."""
        if self.session.vat_number is None:
            raise SignInNeeded
        return self.session.vat_number

    @property
    def environment(self) -> Environment:
        """The environment that was chosen at the sign-in."""
        return self.session.environment

    def query(self, name: str) -> str:
        """Return a parameter of the address, empty if absent."""
        return self.request.query_params.get(name, "")

    async def form(self) -> dict[str, list[str]]:
        """Return the fields of a form of ours. Raises ForeignForm."""
        fields = await self.fields()
        if not self.rooms.sessions.accepts(self.session, one(fields, "token")):
            raise ForeignForm
        return fields

    async def fields(self) -> dict[str, list[str]]:
        """Return the fields of an urlencoded body."""
        body = (await self.request.body()).decode("utf-8", "replace")
        try:
            return parse_qs(body, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError:
            found = f"more than {_MOST_FIELDS} fields"
            raise InvalidManagementRequest(field="form", found=found, allowed=f"{_MOST_FIELDS} fields") from None

    def page(self, template: str, status: int = 200, /, **values: object) -> Response:
        """Return a page of a template."""
        notice = self.query("notice")
        html = self.rooms.templates.get_template(template).render(
            visit=self,
            language=self.language,
            direction="rtl" if self.language == "ar" else "ltr",
            form_token=self.rooms.sessions.form_token(self.session),
            notice=f"notice.{notice}" if f"notice.{notice}" in texts() else None,
            **values,
        )
        response = Response(html, status, {"Cache-Control": "no-store"}, "text/html; charset=utf-8")
        return self._with_cookies(response)

    def redirect(self, path: str, **query: str) -> Response:
        """Return the way to another page, after a form was carried out."""
        where = f"{path}?{urlencode(query)}" if query else path
        return self._with_cookies(RedirectResponse(where, 303))

    def refusal(self, error: KhatmError) -> Response:
        """Return the page of an error."""
        return self.page(
            "error.html", _STATUSES.get(type(error), 400), sentence=error.sentence(self.language), code=error.code
        )

    def language_link(self, language: Language) -> str:
        """Return the address of this page in another language; of what a form led to, the page with the form."""
        path, query = self.request.url.path, self.request.url.query
        if self.request.method == "POST":
            before = split_address(self.request.headers.get("referer", ""))
            known = before.netloc == self.request.url.netloc and before.path.startswith(("/portal", "/validator"))
            path, query = (before.path, before.query) if known else ("/portal", "")
        kept = [(name, value) for name, value in parse_qsl(query) if name not in ("lang", "notice")]
        return f"{path}?{urlencode([*kept, ('lang', language)])}"

    def _with_cookies(self, response: Response) -> Response:
        sealed = self.rooms.sessions.seal(self.session)
        if self.request.cookies.get(self._cookie) != sealed:
            response.set_cookie(self._cookie, sealed, httponly=True, samesite="strict", path="/")
        if self._asked is not None:
            response.set_cookie(
                LANGUAGE_COOKIE,
                self._asked,
                max_age=int(_LANGUAGE_LIFE.total_seconds()),
                httponly=True,
                samesite="strict",
                path="/",
            )
        return response


Page = Callable[[Visit], Awaitable[Response]]


def endpoint(page: Page, rooms: Rooms) -> Callable[[Request], Awaitable[Response]]:
    """Return a route's handler: the page, or the way to the sign-in, or the page of an error."""

    async def handler(request: Request) -> Response:
        visit = Visit(request, rooms)
        try:
            return await page(visit)
        except SignInNeeded:
            return visit.redirect("/portal/sign-in")
        except KhatmError as error:
            return visit.refusal(error)

    return handler


def one(fields: dict[str, list[str]], name: str) -> str:
    """Return a field's first value without outer blanks, empty if absent."""
    values = fields.get(name, [""])
    return values[0].strip()


def _language(text: str | None) -> Language | None:
    return next((each for each in LANGUAGES if each == text), None)
