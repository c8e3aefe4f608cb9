"""Simulators for other people's clients: one as ZATCA behaves, one whose renewals answer at once."""

from collections.abc import Iterator

import pytest

from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from khatm.stamp.signers import Signer
from tests.differential import originals
from tests.interop.authority import Authority

BOTH = (Environment.SIMULATION, Environment.PRODUCTION)


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    """A simulator with every switch at its default: renewals answer 428 first."""
    with EmbeddedSimulator() as simulator:
        yield Authority(simulator.url)


@pytest.fixture(scope="module")
def prompt_authority() -> Iterator[Authority]:
    """A simulator that renews with a direct 200 in simulation and production too."""
    with EmbeddedSimulator(settings=[f"{each}.renewal=200" for each in BOTH]) as simulator:
        yield Authority(simulator.url)


@pytest.fixture(params=["issued", "canned"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[tuple[Authority, str]]:
    """A sandbox that certifies the caller's key, and one that hands everybody the same certificate."""
    with EmbeddedSimulator(settings=[f"sandbox.pcsid={request.param}"]) as simulator:
        yield Authority(simulator.url), request.param


@pytest.fixture(scope="session")
def signer() -> Signer:
    """The unit of the stamp's vectors, with its production certificate."""
    return originals.signer()
