"""Sealing private keys and CSID secrets with the home's custodian, and noticing a wrong passphrase early."""

from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from khatm.ledger.errors import MasterKeyMissing
from khatm.ledger.schema import seal_check

if TYPE_CHECKING:
    from khatm.ledger.home import Home
    from khatm.ledger.store import Store

_CHECK_PURPOSE = "khatm ledger seal check"
_CHECK_TEXT = b"khatm"


class Seals:
    """Seals and opens secrets; the first use proves that the key at hand is the one the ledger was sealed with."""

    def __init__(self, store: "Store", home: "Home") -> None:
        self._store = store
        self._home = home
        self._proven = False

    def seal(self, plain: bytes, purpose: str) -> bytes:
        """Return the sealed form of a secret, bound to its purpose."""
        self._prove()
        return self._home.custodian().seal(plain, purpose)

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """Return the secret; raises the custodian's error when the passphrase or the purpose is another one."""
        self._prove()
        return self._home.custodian().open(sealed, purpose)

    def require_key(self) -> None:
        """Prove that the key at hand opens what is sealed, if anything is; asked before what cannot be taken back.

        Raises MasterKeyMissing, and the custodian's errors such as CannotUnseal.
        """
        present = None if self._proven else self._stored_check()
        if present is None:
            return
        if not self._home.has_sealing_key:
            raise MasterKeyMissing(path=str(self._home.master_key_path))
        self._home.custodian().open(present, _CHECK_PURPOSE)
        self._proven = True

    def _prove(self) -> None:
        self.require_key()
        if not self._proven:
            self._store_check(self._home.custodian().seal(_CHECK_TEXT, _CHECK_PURPOSE))
            self.require_key()

    def _store_check(self, fresh: bytes) -> None:
        # Of several processes at first use one stores its check; the others measure themselves by it.
        with suppress(IntegrityError), self._store.write() as connection:
            connection.execute(insert(seal_check).values(id=1, sealed=fresh))

    def _stored_check(self) -> bytes | None:
        with self._store.read() as connection:
            return connection.execute(select(seal_check.c.sealed)).scalar()
