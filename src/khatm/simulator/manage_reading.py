"""Reads what management calls bring: bodies and values, every mistake named by its field."""

import json
import re
from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from khatm.environment import Environment
from khatm.errors import KhatmError
from khatm.simulator.errors import InvalidManagementRequest
from khatm.simulator.refusals import refusal

Handler = Callable[[Request], Awaitable[Response]]
_LONGEST_NUMBER = 18
_VAT_NUMBER = re.compile(r"3[0-9]{13}3\Z")


def route(method: str, path: str, handler: Handler) -> Route:
    """Return a route whose handler may raise a known error: it is answered as its facts and sentences."""

    @wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except KhatmError as error:
            return refusal(error)

    return Route(path, answer, methods=[method])


async def members_of(request: Request) -> dict[str, object]:
    """Return the JSON object that a call brings, an empty one if it brings nothing.

    What could not be written out again is refused: numbers that are none, and halves of characters.
    """
    try:
        found = json.loads(await request.body() or b"{}")
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidManagementRequest(field="body", found="this", allowed="a JSON object")
    return found


def environment_of(value: object) -> Environment:
    """Return an environment by its name."""
    try:
        return Environment(str(value))
    except ValueError:
        allowed = ", ".join(each.value for each in Environment)
        raise InvalidManagementRequest(field="environment", found=shown(value), allowed=allowed) from None


def vat_number_of(value: object) -> str:
    """Return a well-formed VAT number. Raises InvalidManagementRequest."""
    if isinstance(value, str) and _VAT_NUMBER.match(value):
        return value
    allowed = "15 digits as text, the first and the last 3"
    raise InvalidManagementRequest(field="vat_number", found=shown(value), allowed=allowed)


def whole(value: object, field: str, least: int, most: int) -> int:
    """Return a whole number within bounds."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise InvalidManagementRequest(field=field, found=shown(value), allowed=f"a whole number from {least} to {most}")


def number_in_path(text: str) -> int | None:
    """Return the number that a path names, None for anything that cannot be one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else None


def shown(value: object) -> str:
    """Return a value as the caller may have written it, cut to a length that a message can hold."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:59] + "…"
