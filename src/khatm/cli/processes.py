"""Work on many files in several processes, with the results in the order of the files."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from khatm.cli.errors import WorkStopped

Item = TypeVar("Item")
Result = TypeVar("Result")

_CHUNK = 16
"""Files that a process takes at a time at most."""
_WORTH = 1024 * 1024
"""Bytes from which on several processes pay for their start: about a fifth of a second of work."""


def processes_for(files: Sequence[Path]) -> int:
    """Return one process for each core that this one may use, or 1 where little is to be done."""
    if len(files) < 2 or sum(file.stat().st_size for file in files if file.is_file()) < _WORTH:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(work: Callable[[Item], Result], items: Sequence[Item], jobs: int) -> Iterator[Result]:
    """Yield what `work` makes of each item, in their order, with at most `jobs` processes.

    Work and items must be picklable. Raises WorkStopped if a process is ended from outside.
    """
    jobs = min(jobs, len(items))
    if jobs <= 1:
        yield from map(work, items)
        return
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    try:
        with ProcessPoolExecutor(jobs) as pool:
            yield from pool.map(work, items, chunksize=max(1, min(_CHUNK, len(items) // (jobs * 4))))
    except BrokenProcessPool:
        raise WorkStopped(jobs=jobs) from None
