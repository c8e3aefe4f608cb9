"""A simulator that is killed under load loses nothing that it has answered (the small size of `simulator_kills`)."""

from pathlib import Path

import pytest

from tests.crash.simulator_kills import campaign


@pytest.mark.parametrize(("seed", "workers"), [(1, 0), (2, 2)])
def test_what_was_answered_outlives_the_process(tmp_path: Path, seed: int, workers: int) -> None:
    counted = campaign(tmp_path, rounds=4, units=4, seed=seed, workers=workers)
    assert counted.kills == 4
    assert counted.answers > 4
