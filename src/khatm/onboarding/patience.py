"""How long onboarding keeps trying when the gateway is down: a bounded number of attempts with growing waits."""

from dataclasses import dataclass
from typing import Protocol


class Sleeper(Protocol):
    """Anything that lets time pass; `time.sleep` in use, a recorder in tests."""

    def __call__(self, seconds: float, /) -> None:
        """Return after that many seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """Bounds for repeating one call. A person waits at the terminal, so the default gives up after half a minute."""

    attempts: int = 5
    """How often one call is made at most."""
    first_wait: float = 2.0
    """Seconds before the second attempt; every further wait doubles (gateway contract, section 9)."""
    longest_wait: float = 300.0
    """Ceiling in seconds, for a `Retry-After` of the gateway too."""

    def wait_after(self, attempt: int, asked: float | None = None) -> float:
        """Return the seconds to wait after attempt number `attempt` (from 1); `asked` is the gateway's Retry-After."""
        own = self.first_wait * float(2 ** (attempt - 1))
        return min(max(own, asked or 0.0), self.longest_wait)
