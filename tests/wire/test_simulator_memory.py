"""Memory stays flat over requests of every kind: the small size of `tests.soak`, with a record of 100 exchanges."""

from pathlib import Path

import pytest

from tests.soak import SLACK, soak

REQUESTS = 1500
"""A process that kept the body of each grew by 13 MiB when that was tried."""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads resident memory from /proc")
def test_memory_is_flat_over_requests_of_every_kind(tmp_path: Path) -> None:
    found = soak(REQUESTS, 1, data=tmp_path, warm=500, options=("--keep-exchanges", "100"))
    assert set(found.kinds) == {"valid", "repeated", "refused", "malformed", "astray", "struck", "managed"}
    assert {"200", "208", "400", "401", "404", "409", "lost"} <= found.statuses.keys()
    assert found.growth <= SLACK
