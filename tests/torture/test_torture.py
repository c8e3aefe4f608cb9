"""A small torture on each store; the large one is `python -m tests.torture --documents 5000 --store …`."""

from pathlib import Path

import pytest

from tests.torture.__main__ import failed
from tests.torture.plan import Plan
from tests.torture.run import torture

SMALL = Plan(documents=160, seed=7, processes=4, kill_every=1.5)


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_nothing_is_lost_doubled_or_forked(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgresql_url") if store == "postgresql" else None
    outcome = torture(SMALL, tmp_path, url)
    assert not failed(outcome), outcome
    counted = outcome.findings
    assert counted.documents == counted.acknowledged == SMALL.documents
    assert counted.accepted + counted.rejected == SMALL.documents
    assert counted.rejected > 0
    assert outcome.kills > 0
    assert outcome.faults > 0
