"""Work spread over processes, and files that are written under names of their own."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from khatm.cli.errors import FileUnwritable, WorkStopped
from khatm.cli.files import new_file, write_new_file
from khatm.cli.processes import spread


def double(number: int) -> int:
    return 2 * number


def end(number: int) -> int:
    os._exit(number)


@pytest.mark.parametrize("jobs", [1, 2, 9])
def test_results_come_in_the_order_of_the_items(jobs: int) -> None:
    assert list(spread(double, range(50), jobs)) == list(range(0, 100, 2))
    assert list(spread(double, [], jobs)) == []


def test_a_process_that_is_ended_from_outside_is_said() -> None:
    with pytest.raises(WorkStopped) as caught:
        list(spread(end, [1, 2], 2))
    assert caught.value.exit_code == 3
    assert "One of the 2 processes was ended from outside" in caught.value.sentence("en")
    assert "العمليات" in caught.value.sentence("ar")


def test_no_new_file_is_written_over_another(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda n: write_new_file(tmp_path / "a.json", str(n).encode()), range(40)))
    assert len(set(written)) == 40
    assert sorted(int(path.read_bytes()) for path in tmp_path.iterdir()) == list(range(40))
    assert {path.name for path in written} == {"a.json", *(f"a-{number}.json" for number in range(2, 41))}


def test_a_name_is_given_back_if_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), new_file(tmp_path / "a.json") as path:
        assert path.read_bytes() == b""
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileUnwritable):
        write_new_file(tmp_path / "none" / "a.json", b"")
