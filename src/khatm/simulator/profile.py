"""Profiles: a file that sets switches of several environments, so that a team tests against the same strictness.

TOML with a table for each environment and one for `all`, which comes first; docs/profile.toml has every switch.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from khatm.environment import Environment
from khatm.simulator.errors import UnreadableProfile
from khatm.simulator.switches import Setting, checked_setting, shown_value

ALL = "all"
_MOST_BYTES = 1024 * 1024


def read_profile(path: Path) -> list[Setting]:
    """Return the settings of a profile in the order in which they apply.

    Raises UnreadableProfile, UnknownSwitchEnvironment, UnknownSwitch or UnknownSwitchValue.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise UnreadableProfile(path=str(path), reason=f"it is larger than {_MOST_BYTES} bytes")
        tables = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise UnreadableProfile(path=str(path), reason=error.strerror or type(error).__name__) from None
    except (ValueError, RecursionError) as error:
        raise UnreadableProfile(path=str(path), reason=str(error)) from None
    for name, table in tables.items():
        if not isinstance(table, dict):
            reason = f"{name} stands outside of the tables of the environments"
            raise UnreadableProfile(path=str(path), reason=reason)
    return [*_settings(path, tables)]


def _settings(path: Path, tables: dict[str, dict[str, object]]) -> Iterator[Setting]:
    for switch, value in tables.get(ALL, {}).items():
        for environment in Environment:
            yield _setting(path, ALL, environment.value, switch, value)
    for name, table in tables.items():
        if name != ALL:
            for switch, value in table.items():
                yield _setting(path, name, name, switch, value)


def _setting(path: Path, table: str, environment: str, switch: str, value: object) -> Setting:
    return checked_setting(environment, switch, shown_value(value), place=f"{path}: [{table}] {switch}")
