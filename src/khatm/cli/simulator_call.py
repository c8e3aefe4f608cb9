"""How commands talk to a running simulator: its address as an option, one call to /manage, its refusals as errors."""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

from khatm.cli.errors import RefusedBySimulator, SimulatorUnreachable

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_URL = "http://127.0.0.1:8080"
_SECONDS = 60
"""A snapshot waits for the calls under way."""
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def url_option(command: Command) -> Command:
    """Add `--url`."""
    return click.option(
        "--url", default=DEFAULT_URL, show_default=True, metavar="URL", help="Where the simulator runs."
    )(command)


def manage(url: str, method: str, path: str, members: object = None) -> dict[str, Any]:
    """Call a simulator's management, return the members of its answer.

    Raises SimulatorUnreachable, and RefusedBySimulator with the simulator's own reason.
    """
    import httpx

    try:
        answer = httpx.request(
            method, f"{url.rstrip('/')}/manage{path}", json=members, timeout=_SECONDS, trust_env=False
        )
        found = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SimulatorUnreachable(url=url, reason=str(error) or type(error).__name__) from None
    except ValueError:
        raise SimulatorUnreachable(url=url, reason="what answers there is no simulator") from None
    if answer.status_code == 200 and isinstance(found, dict):
        return found
    if not isinstance(found, dict) or not isinstance(found.get("message"), dict):
        raise SimulatorUnreachable(url=url, reason="what answers there is no simulator of this version")
    raise RefusedBySimulator(status=answer.status_code, refusal=str(found["error"]), reason=found["message"])


def duration(text: str) -> float:
    """Return the seconds of a time span as people write it: 90, 90s, 15m, 24h, 2d; a minus turns it back."""
    given = text.strip().lower()
    unit = given[-1:] if given[-1:] in "smhd" else ""
    try:
        seconds = float(given.removesuffix(unit)) * _UNITS[unit]
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise click.BadParameter(f"{text!r} is no duration: write 90, 90s, 15m, 24h or 2d, with a minus to turn back.")
    return seconds
