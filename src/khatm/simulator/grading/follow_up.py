"""What a case waits for after something has happened to a client: the base of all follow-ups."""

from abc import ABC, abstractmethod
from typing import ClassVar, Final, Literal

from khatm.simulator.grading.board import Board
from khatm.simulator.grading.sighting import Sighting

Outcome = tuple[Literal["passed", "failed", "undecided"], str, dict[str, object]]
"""A state, the key of a finding, and its facts."""

MOST_OTHERS: Final = 1
"""So many other documents at the same endpoint, and the next provocation no longer waits for this case."""


class FollowUp(ABC):
    """Watches what a client does next, for one case. Subclasses say what concerns it and what follows."""

    must_come: ClassVar[bool] = True
    """Whether something has to come: else a client that goes on without it has failed."""

    def __init__(self, board: Board, case: str, begun: Sighting) -> None:
        """`begun` is the exchange from which on it watches."""
        self.case = case
        self.begun = begun
        self.ended = False
        self.others = 0
        """How many calls came that were not what is waited for."""
        self._board = board
        board.undecided(case, "waiting", begun)

    def see(self, sighting: Sighting) -> None:
        """Look at a call that came after."""
        if not self.ended and self.concerns(sighting):
            self.follow(sighting)

    def concerns(self, sighting: Sighting) -> bool:
        """Tell whether a call is of the client that is watched."""
        return sighting.device is not None and sighting.device == self.begun.device

    @abstractmethod
    def follow(self, sighting: Sighting) -> None:
        """Draw the conclusion from a call that concerns it."""

    @property
    def holds(self) -> bool:
        """Whether the next provocation at the same endpoint waits for this one."""
        return not self.ended and self.others < MOST_OTHERS

    def strikes_again(self, sent: object) -> bool:
        """Tell whether a call that is just coming in is to be struck for the same case once more."""
        return False

    def closing(self) -> Outcome | None:
        """Return how the case ends if nothing more comes; None leaves it as it stands."""
        if self.ended:
            return None
        if self.must_come and self.others:
            return "failed", "never_again", {"count": self.others}
        return "undecided", "nothing_came", {}

    def passed(self, finding: str, *shown: Sighting, **facts: object) -> None:
        """End with a pass."""
        self.ended = True
        self._board.passed(self.case, finding, self.begun, *shown, **facts)

    def failed(self, finding: str, *shown: Sighting, **facts: object) -> None:
        """End with a failure."""
        self.ended = True
        self._board.failed(self.case, finding, self.begun, *shown, **facts)
