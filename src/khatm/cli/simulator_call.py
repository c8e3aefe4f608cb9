"""How commands talk to a running simulator: its address as an option, one call to /manage, its refusals as errors."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from khatm.cli.errors import RefusedBySimulator, SimulatorUnreachable
from khatm.errors import KhatmError

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_URL = "http://127.0.0.1:8080"
_SECONDS = 90
"""A snapshot waits for the calls under way, and a list for the next call."""
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def url_option(command: Command) -> Command:
    """Add `--url`, which KHATM_SIMULATOR_URL sets for a whole shell."""
    return click.option(
        "--url",
        default=DEFAULT_URL,
        envvar="KHATM_SIMULATOR_URL",
        show_default=True,
        show_envvar=True,
        metavar="URL",
        help="Where the simulator runs.",
    )(command)


def manage(
    url: str, method: str, path: str, members: object = None, query: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """Call a simulator's management, return the members of its answer.

    Raises SimulatorUnreachable, and RefusedBySimulator with the simulator's own reason.
    """
    status, content = _called(url, method, path, members, query)
    found = _members(url, content)
    if status == 200 and isinstance(found, dict):
        return found
    raise _refusal(url, status, found)


def download(url: str, path: str, query: Mapping[str, object]) -> bytes:
    """Return a file that a simulator's management gives. Raises what `manage` raises."""
    status, content = _called(url, "GET", path, None, query)
    if status == 200:
        return content
    raise _refusal(url, status, _members(url, content))


def _called(url: str, method: str, path: str, members: object, query: Mapping[str, object] | None) -> tuple[int, bytes]:
    import httpx

    params = {name: str(value) for name, value in (query or {}).items()}
    where = f"{url.rstrip('/')}/manage{path}"
    try:
        answer = httpx.request(method, where, json=members, params=params, timeout=_SECONDS, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SimulatorUnreachable(url=url, reason=str(error) or type(error).__name__) from None
    return answer.status_code, answer.content


def _members(url: str, content: bytes) -> object:
    try:
        return json.loads(content)
    except ValueError:
        raise SimulatorUnreachable(url=url, reason="what answers there is no simulator") from None


def _refusal(url: str, status: int, found: object) -> KhatmError:
    if not isinstance(found, dict) or not isinstance(found.get("message"), dict):
        return SimulatorUnreachable(url=url, reason="what answers there is no simulator of this version")
    return RefusedBySimulator(status=status, refusal=str(found.get("error")), reason=found["message"])


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
