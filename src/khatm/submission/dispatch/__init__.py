"""Dispatch: who tells which worker that a unit has something to send.

Behind one border stand two engines: `embedded`, threads of one process that look into the ledger, and `distributed`,
several processes on PostgreSQL among which procrastinate shares out the units. Neither holds any truth: a task says no
more than "unit U has something to send", the ledger says what, and its claims fence whoever sends.
"""

from enum import StrEnum
from typing import Protocol

SWEEP = 2.0
"""Seconds between two looks into the ledger for units that nobody told about."""


class Until(StrEnum):
    """When a dispatch ends by itself."""

    STOPPED = "stopped"
    """Not before `stop` is called."""
    SWEPT = "swept"
    """When each unit that had something to send at the beginning has had its turns."""
    IDLE = "idle"
    """When no document waits any more, but for those of units that cannot send."""


class Dispatch(Protocol):
    """Keeps workers busy."""

    def run(self, until: Until = Until.STOPPED) -> None:
        """Send until it is time to end; calls under way are finished."""
        ...

    def announce(self, unit_name: str) -> None:
        """Say that a unit has something to send, after the commit; never raises, since a sweep finds it anyway."""
        ...

    def stop(self) -> None:
        """Let `run` end soon; safe in a signal handler."""
        ...
