"""The ledger as other rooms see it: every method is one transaction, durable when it returns."""

from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy.engine import URL

from khatm.clock import Clock
from khatm.ledger.audit_register import AuditRegister
from khatm.ledger.credential_register import CredentialRegister
from khatm.ledger.deadline_register import DeadlineRegister
from khatm.ledger.document_register import DocumentRegister
from khatm.ledger.head_record import HeadRecord
from khatm.ledger.home import Home
from khatm.ledger.issue_register import IssueRegister
from khatm.ledger.open_register import OpenRegister
from khatm.ledger.sealing import Seals
from khatm.ledger.sending_register import SendingRegister
from khatm.ledger.store import DEFAULT_WAIT, open_store
from khatm.ledger.unit_register import UnitRegister


class Ledger(
    UnitRegister,
    CredentialRegister,
    IssueRegister,
    DocumentRegister,
    SendingRegister,
    OpenRegister,
    AuditRegister,
    DeadlineRegister,
):
    """Units, credential generations, calls, documents and their sending, of one installation.

    A unit is given as the `Unit` read before or by its name. Usable from several threads; a child process opens
    its own.
    """

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    @property
    def place(self) -> str:
        """Where the database lies, for messages."""
        return self._store.place

    def require_key(self) -> None:
        """Prove that the passphrase or key file at hand opens this ledger's secrets, before anything follows from it.

        Raises MasterKeyMissing, CannotUnseal, and what is wrong with a passphrase file.
        """
        self._seals.require_key()

    def hold(self, name: str) -> AbstractContextManager[None]:
        """Hold a name against every process that uses this ledger, for the time of a block. Raises HeldElsewhere.

        It is the database's own lock and no transaction: the ledger can be used meanwhile, by the holder too.
        """
        return self._store.hold(name)

    def close(self) -> None:
        """Give back the database connections."""
        self._record.close()
        self._store.close()


def open_ledger(home: Home, clock: Clock, *, wait: float = DEFAULT_WAIT, upgrade: bool = False) -> Ledger:
    """Open the ledger of a home, made and brought up to date if need be; close it when done.

    `wait` is how many seconds a transaction waits for its turn; `upgrade` as in `open_store`. Raises LedgerBusy,
    LedgerUnwritable, LedgerUnreachable, LedgerDamaged, LedgerTooNew, LedgerNeedsUpgrade, UnknownDatabaseUrl.
    """
    if home.database_url is None:
        home.folder()
    store = open_store(address_of(home), clock, wait=wait, upgrade=upgrade)

    def record(identity: str) -> Path:
        return store.head_record or home.path / f"{identity}.head"

    return Ledger(store, Seals(store, home), clock, HeadRecord(record, store.place))


def address_of(home: Home) -> str | URL:
    """Return the address of a home's database, for another process that opens it too."""
    # Made of its parts: in a text, a question mark in the path would begin the options.
    return home.database_url or URL.create("sqlite", database=str(home.database_path))
