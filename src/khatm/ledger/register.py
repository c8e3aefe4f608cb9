"""What every part of the ledger's face stands on: store, seals, clock, head record, the claims' owner."""

from khatm.clock import Clock
from khatm.ledger import claims
from khatm.ledger.group import Lane
from khatm.ledger.head_record import HeadRecord
from khatm.ledger.issue import IssueRequest
from khatm.ledger.issue_rows import LiveGenerations
from khatm.ledger.sealing import Seals
from khatm.ledger.store import Store


class Register:
    """Holds the store; the registers of units, credentials and documents add their methods to it."""

    def __init__(self, store: Store, seals: Seals, clock: Clock, record: HeadRecord) -> None:
        self._store = store
        self._seals = seals
        self._clock = clock
        self._record = record
        self._owner = claims.owner_name()
        self._live = LiveGenerations()
        self._lanes: dict[str, Lane[IssueRequest]] = {}
