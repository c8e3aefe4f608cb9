"""No call that schemathesis makes up from the OpenAPI document is a fault of ours: the small size of `openapi_fuzz`."""

from collections import Counter

from khatm.simulator.embedded import EmbeddedSimulator
from tests.wire.openapi_fuzz import KINDS, Authority
from tests.wire.simulator_caller import http


def test_no_made_up_call_is_answered_with_a_5xx() -> None:
    statuses: Counter[int] = Counter()
    with EmbeddedSimulator(seed=1) as simulator:
        authority = Authority(simulator)
        operations = authority.operations()
        assert len(operations) == len({each.label for each in operations}) > 30
        for operation in operations:
            for kind in KINDS:
                authority.call(operation, kind, examples=4, number=1)
                simulator.clear_faults()
            statuses += authority.statuses
            authority.statuses.clear()
        assert http().get(f"{simulator.url}/manage/clock").status_code == 200
    assert {200, 400, 401, 404} <= statuses.keys()
    assert max(statuses) < 500
