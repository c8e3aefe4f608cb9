"""A ledger of really stamped documents on either store, put back after each test as it was."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from benchmarks.filled_ledger import fill
from sqlalchemy import delete, insert, select

from khatm.clock import SystemClock
from khatm.ledger import schema
from khatm.ledger.audit.verification import ChainReport, verify_ledger
from khatm.ledger.documents import Document
from khatm.ledger.home import Home
from khatm.ledger.ledger import Ledger, address_of, open_ledger
from khatm.stamp.canonical import read_canonical
from khatm.stamp.certificate import read_certificate
from khatm.stamp.keys import load_key
from khatm.stamp.signers import FileSigner
from khatm.stamp.xades import StampedInvoice, stamp
from tests.unit import ledger_stage
from tests.unit.ledger_stage import START

TABLES = (
    *(schema.unit, schema.generation, schema.document, schema.stamped_xml, schema.cleared_xml),
    *(schema.exchange, schema.chain_import),
)
"""In the order in which they refer to one another."""

EACH = 10
"""Documents of each of the two units."""


@dataclass(frozen=True)
class Archive:
    """Two units, till-1 and till-2, with documents of all kinds, all accepted."""

    home: Home
    ledger: Ledger

    def tamper(self, statement: str, *values: object) -> None:
        """Change one row behind the ledger's back."""
        ledger_stage.tamper(self.ledger, statement, *values)

    def at(self, icv: int, unit: str = "till-1") -> Document:
        """Return a document."""
        return self.ledger.document_at(unit, icv)

    def xml(self, icv: int, unit: str = "till-1") -> bytes:
        """Return its stamped bytes."""
        return self.ledger.document_xml(self.at(icv, unit))

    def put_xml(self, icv: int, xml: bytes, unit: str = "till-1") -> None:
        """Replace its stamped bytes."""
        self.tamper("UPDATE stamped_xml SET content = ? WHERE document_id = ?", xml, self.at(icv, unit).id)

    def verify(self, **options: Any) -> dict[str, ChainReport]:
        """Verify everything, in pieces of three, so that seams are met; return the reports by unit."""
        options = {"piece_size": 3, **options}
        return {each.unit: each for each in verify_ledger(address_of(self.home), **options)}

    def signer(self, unit: str = "till-1") -> FileSigner:
        """Return the unit's own signer: what a thief of its key could do."""
        generation = self.ledger.live_generation(unit)
        assert generation is not None and generation.pcsid_token is not None
        return FileSigner(load_key(self.ledger.key_of(generation)), read_certificate(generation.pcsid_token))

    def restamp(self, xml: bytes, signer: FileSigner | None = None) -> StampedInvoice:
        """Stamp changed bytes anew."""
        return stamp(read_canonical(xml), signer or self.signer(), START)

    def forge(self, icv: int, xml: bytes, unit: str = "till-1") -> StampedInvoice:
        """Stamp changed bytes with the unit's own key, and let the row agree with them."""
        forged, document = self.restamp(xml, self.signer(unit)), self.at(icv, unit)
        self.put_xml(icv, forged.xml, unit)
        self.tamper("UPDATE document SET invoice_hash = ? WHERE id = ?", forged.invoice_hash, document.id)
        return forged


@contextmanager
def put_back(ledger: Ledger) -> Iterator[None]:
    """Leave the tables as they were found."""
    with ledger._store.read() as connection:
        rows = {table: [dict(row._mapping) for row in connection.execute(select(table))] for table in TABLES}
    try:
        yield
    finally:
        with ledger._store.write() as connection:
            for table in reversed(TABLES):
                connection.execute(delete(table))
            for table in TABLES:
                if rows[table]:
                    connection.execute(insert(table), rows[table])
        if ledger._record.path.exists():
            os.truncate(ledger._record.path, 0)  # what was issued meanwhile is to be forgotten


def _made(stack: ExitStack, folder: Path, settings: dict[str, str]) -> Archive:
    home = Home(folder, environ=settings)
    fill(folder, 2 * EACH, units=2, per_day=4, home=home, weights=(1, 1, 0, 0, 1, 1, 2, 2))
    return Archive(home, stack.enter_context(open_ledger(home, SystemClock())))


@pytest.fixture(scope="module")
def whole_archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """The archive that the tests of a module share."""
    with ExitStack() as stack:
        yield _made(stack, tmp_path_factory.mktemp("audit"), {})


@pytest.fixture
def archive(whole_archive: Archive) -> Iterator[Archive]:
    """The archive for one test, on SQLite."""
    with put_back(whole_archive.ledger):
        yield whole_archive


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def whole_either(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """The archive that the tests of a module share, once on each store."""
    settings = {}
    with ExitStack() as stack:
        if request.param == "postgresql":
            server = request.getfixturevalue("postgresql_server")
            settings["KHATM_DATABASE_URL"] = stack.enter_context(server.database())
        yield _made(stack, tmp_path_factory.mktemp("audit"), settings)


@pytest.fixture
def either(whole_either: Archive) -> Iterator[Archive]:
    """The archive for one test, once on each store."""
    with put_back(whole_either.ledger):
        yield whole_either
