"""The templates and what they may call: texts in the page's language, times in Saudi time, left-to-right codes."""

import json
from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from khatm.clock import saudi_time
from khatm.simulator.web import catalogue
from khatm.simulator.web.menu import MENU


def templates() -> Environment:
    """Return the templates, read from the package; everything that they print is escaped."""
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["t"] = _text
    environment.globals["menu"] = MENU
    environment.filters["code"] = code
    environment.filters["moment"] = moment
    environment.filters["day"] = day
    environment.filters["tojson_text"] = json_text
    return environment


@pass_context
def _text(context: Context, key: str, /, **values: object) -> Markup:
    return catalogue.text(key, context["language"], **values)


def code(value: object) -> Markup:
    """Return something that is written left to right in every language: a number, a code, a name from outside."""
    return Markup('<bdi dir="ltr" class="code">{}</bdi>').format(value)


def moment(value: datetime) -> Markup:
    """Return a time to the second as Saudi Arabia reads it."""
    text = saudi_time(value).strftime("%Y-%m-%d %H:%M:%S")
    return Markup('<time datetime="{}" dir="ltr">{}</time>').format(value.isoformat(), text)


def json_text(value: object) -> str:
    """Return a value as JSON for people."""
    return json.dumps(value, ensure_ascii=False)


def day(value: datetime) -> Markup:
    """Return a time's day in Saudi Arabia."""
    return Markup('<time datetime="{}" dir="ltr">{}</time>').format(value.isoformat(), saudi_time(value).date())
