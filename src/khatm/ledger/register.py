"""What every part of the ledger's face stands on: the store, the seals, the clock, the claims' owner."""

from khatm.clock import Clock
from khatm.ledger import claims
from khatm.ledger.issue_rows import LiveGenerations
from khatm.ledger.sealing import Seals
from khatm.ledger.store import Store


class Register:
    """Holds the store; the registers of units, credentials and documents add their methods to it."""

    def __init__(self, store: Store, seals: Seals, clock: Clock) -> None:
        self._store = store
        self._seals = seals
        self._clock = clock
        self._owner = claims.owner_name()
        self._live = LiveGenerations()
