"""Calls that schemathesis makes up from the simulator's OpenAPI document, right ones and wrong ones, over HTTP.

`python -m tests.wire.openapi_fuzz [--examples 400] [--seed 1]`: the large size; so many calls of each operation and
kind. No answer may be a 5xx, and the connection must hold. A call to the gateway comes as schemathesis made it up or
with credentials, version and content type that are right, so that its body is looked at.
"""

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error

import tests.conftest  # noqa: F401 (the guard that keeps everything on loopback)
from khatm.environment import Environment
from khatm.simulator.embedded import EmbeddedSimulator
from tests.wire.simulator_caller import Caller, Unit

KINDS = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


@dataclass
class Authority:
    """A simulator with a unit in each environment, and what schemathesis reads from it."""

    simulator: EmbeddedSimulator
    units: dict[str, Unit] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)

    def operations(self) -> list[Any]:
        """Every operation that the document describes."""
        schema = schemathesis.openapi.from_url(f"{self.simulator.url}/manage/openapi.json")
        return [each.ok() for each in schema.get_all_operations()]

    def onboard(self) -> None:
        """Give every environment a unit with a CCSID and a PCSID that authenticate now."""
        self.simulator.fatoora.reset()
        self.units = {each.path_segment: Unit(Caller(self.simulator, each), "1000").onboarded() for each in Environment}

    def call(self, operation: Any, kind: GenerationMode, examples: int, number: int) -> None:
        """Make up so many calls of one operation; raise what schemathesis raises for an answer that is a 5xx."""
        to_gateway = operation.path.startswith("/e-invoicing/")
        if to_gateway:
            self.onboard()

        @seed(number)
        @settings(
            max_examples=examples, database=None, deadline=None, phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=kind), right=st.sampled_from(("pcsid", "ccsid", None)))
        def once(case: Any, right: str | None) -> None:
            if to_gateway and right:
                self._make_right(case, right)
            if case.query:
                case.query.pop("wait", None)  # what it waits for would not come
            answer = case.call(headers={"Connection": "keep-alive"}, timeout=60)
            self.statuses[answer.status_code] += 1
            case.validate_response(answer, checks=[not_a_server_error])

        try:
            once()
        except Unsatisfiable:  # nothing about this call can be wrong
            assert kind is GenerationMode.NEGATIVE

    def _make_right(self, case: Any, kind: str) -> None:
        unit = self.units.get(str((case.path_parameters or {}).get("environment")))
        if unit is None:
            return
        csid = unit.ccsid if kind == "ccsid" else unit.pcsid
        assert csid is not None
        purpose = "onboarding" if case.path.endswith("/compliance") else "renewal"
        right = {"Accept-Version": "V2", "OTP": unit.caller.otp(purpose), **csid.authorization}
        case.headers = {**dict(case.headers or {}), **right}
        case.media_type = "application/json"


def main() -> int:
    """Run the large size and print the statuses by operation; 1 at the first 5xx."""
    parser = argparse.ArgumentParser(prog="python -m tests.wire.openapi_fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with EmbeddedSimulator(seed=options.seed) as simulator:
        authority = Authority(simulator)
        for operation in authority.operations():
            for kind in KINDS:
                try:
                    authority.call(operation, kind, options.examples, options.seed)
                except Exception as error:
                    print(f"{operation.label}, {kind.value}: {error}", file=sys.stderr)
                    return 1
                finally:
                    simulator.clear_faults()
                print(f"{operation.label}, {kind.value}", json.dumps(authority.statuses), flush=True)
                authority.statuses.clear()
    return 0


if __name__ == "__main__":
    sys.exit(main())
