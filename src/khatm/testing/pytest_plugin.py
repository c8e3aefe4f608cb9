"""The pytest plugin: `fatoora_simulator` gives a test a whole Fatoora of its own.

It is loaded by every pytest run where the package is installed, so it imports the simulator only when a test asks.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from khatm.testing.simulator import FatooraSimulator

_MARK = "fatoora"
_INI = "fatoora_settings"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the switches for a whole run."""
    parser.getgroup("khatm", "the simulator of ZATCA's Fatoora").addoption(
        "--fatoora-set",
        action="append",
        default=[],
        metavar="ENVIRONMENT.SWITCH=VALUE",
        help="a switch for every fatoora_simulator of this run, as simulation.renewal=200",
    )
    parser.addini(_INI, "switches for every fatoora_simulator, one a line: ENVIRONMENT.SWITCH=VALUE", type="linelist")


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known to strict runs."""
    config.addinivalue_line(
        "markers",
        f"{_MARK}(settings=[...], https=False, proxy=False, seed=None, profile=None, grade=False, …): "
        "how the fatoora_simulator of this test is to be",
    )


@pytest.fixture
def fatoora_simulator(request: pytest.FixtureRequest) -> "Iterator[FatooraSimulator]":
    """A fresh simulator of ZATCA's Fatoora: url, gateway_url, otp(), faults, clock, exchanges(), grade().

    Switches come from `fatoora_settings` of the ini file, `--fatoora-set`, and @pytest.mark.fatoora(settings=[...]),
    in this order; the mark takes the other options of khatm.simulator.embedded.EmbeddedSimulator as well.
    """
    from khatm.testing.simulator import FatooraSimulator

    settings: list[str] = [*request.config.getini(_INI), *request.config.getoption("--fatoora-set")]
    options: dict[str, object] = {}
    for mark in reversed(list(request.node.iter_markers(_MARK))):
        if mark.args:
            raise pytest.UsageError(f"@pytest.mark.{_MARK} takes its options by name: settings=[…], https=True, …")
        settings += mark.kwargs.get("settings", ())
        options |= mark.kwargs
    try:
        simulator = FatooraSimulator(**(options | {"settings": settings}))  # type: ignore[arg-type]
    except TypeError as error:
        raise pytest.UsageError(f"@pytest.mark.{_MARK}: {error}") from error
    with simulator:
        yield simulator
