"""What was submitted: every document that a device sent, and the accepted ones by their hash.

Source: gateway contract, sections 8.4 (the last document of a unit), 8.5 (duplicates) and 14.3.
"""

import zlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from khatm.clock import SAUDI
from khatm.environment import Environment
from khatm.simulator.received import Call, ChainView, ReceivedFacts
from khatm.simulator.store import Store, milliseconds

DUPLICATE_WINDOW = timedelta(hours=24)
_LONGEST_COUNTER = 30
_FIRST_DAY = date(1970, 1, 1)
_SAUDI_OFFSET = SAUDI.utcoffset(None)
_WINDOW_BITS = 13
_MEMORY_LEVEL = 7
"""With zlib's usual ones a document of 13 KB takes twice the time, for clearing tables, and 1 % less room."""

SubmissionOutcome = Literal["accepted", "accepted_with_warnings", "rejected", "duplicate", "step_done"]


@dataclass(frozen=True, slots=True)
class DocumentCount:
    """How many documents of one kind ended in one way."""

    profile: str
    type_code: str
    outcome: str
    count: int


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many documents of one kind ended in one way on one day."""

    day: date
    """By Saudi time."""
    profile: str
    """`standard`, `simplified`, or empty for a document whose kind could not be read."""
    type_code: str
    outcome: str
    count: int


class Records:
    """Reads and writes submissions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(
        self,
        *,
        device_id: int,
        credential_id: int,
        call: Call,
        facts: ReceivedFacts | None,
        http_status: int,
        outcome: SubmissionOutcome,
        now: datetime,
    ) -> None:
        """Note a submission and how it was answered. `facts` None: there was no document to read."""
        with self._store.transaction() as connection:
            connection.execute(
                "INSERT INTO submission (received_at, device_id, credential_id, call, profile, type_code, uuid, "
                "document_hash, counter, previous_hash, http_status, outcome) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    milliseconds(now),
                    device_id,
                    credential_id,
                    call,
                    facts.profile if facts else None,
                    facts.type_code if facts else "",
                    facts.uuid if facts else "",
                    facts.document_hash if facts else "",
                    facts.counter if facts else "",
                    facts.previous_hash if facts else "",
                    http_status,
                    outcome,
                ),
            )

    def accept(
        self, environment: Environment, vat_number: str, document_hash: str, cleared: bytes | None, now: datetime
    ) -> None:
        """Remember an accepted document's hash, with the cleared document that answered it, if one did."""
        packed = _packed(cleared) if cleared is not None else b""
        with self._store.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO accepted VALUES (?, ?, ?, ?, ?)",
                (environment, vat_number, document_hash, milliseconds(now), packed),
            )

    def accepted_before(
        self,
        environment: Environment,
        vat_number: str,
        document_hash: str,
        now: datetime,
        window: timedelta = DUPLICATE_WINDOW,
    ) -> "Accepted | None":
        """Return the first answer to a document that this taxpayer had accepted within a time before `now`."""
        with self._store.reading() as connection:
            row = connection.execute(
                "SELECT cleared FROM accepted WHERE environment = ? AND vat_number = ? AND document_hash = ? "
                "AND accepted_at > ?",
                (environment, vat_number, document_hash, milliseconds(now - window)),
            ).fetchone()
        if row is None:
            return None
        return Accepted(zlib.decompress(row["cleared"]) if row["cleared"] else None)

    def turn_away(self, environment: Environment, vat_number: str, document_hash: str) -> None:
        """Remember that clearance answered 303 to a document, which may therefore be reported."""
        with self._store.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO turned_away VALUES (?, ?, ?)", (environment, vat_number, document_hash)
            )

    def turned_away(self, environment: Environment, vat_number: str, document_hash: str) -> bool:
        """Tell whether clearance answered 303 to a document because a fault script asked for it."""
        with self._store.reading() as connection:
            row = connection.execute(
                "SELECT 1 FROM turned_away WHERE environment = ? AND vat_number = ? AND document_hash = ?",
                (environment, vat_number, document_hash),
            ).fetchone()
        return row is not None

    def last_document(self, device_id: int) -> ChainView | None:
        """Return the document with a counter that a device sent last for reporting or clearance."""
        with self._store.reading() as connection:
            row = connection.execute(
                "SELECT counter, document_hash FROM submission WHERE device_id = ? AND call <> 'compliance' "
                "AND document_hash <> '' AND counter GLOB '[0-9]*' AND counter NOT GLOB '*[^0-9]*' "
                "AND length(counter) <= ? ORDER BY id DESC LIMIT 1",
                (device_id, _LONGEST_COUNTER),
            ).fetchone()
        return None if row is None else ChainView(int(row["counter"]), row["document_hash"])

    def last_counter(self, device_id: int) -> str | None:
        """Return the ICV of the last document that a device sent on any call, as text, or None."""
        with self._store.reading() as connection:
            row = connection.execute(
                "SELECT counter FROM submission WHERE device_id = ? AND counter <> '' ORDER BY id DESC LIMIT 1",
                (device_id,),
            ).fetchone()
        return None if row is None else str(row["counter"])

    def daily(self, environment: Environment, vat_number: str, since: datetime) -> list[DayCount]:
        """Return a taxpayer's reported and cleared documents since a moment by Saudi day, kind and outcome."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT (received_at + ?) / 86400000 AS day, coalesce(profile, '') AS profile, type_code, outcome, "
                "count(*) AS count FROM submission JOIN device ON device.id = device_id "
                "WHERE environment = ? AND vat_number = ? AND call <> 'compliance' AND received_at >= ? "
                "GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
                (_SAUDI_OFFSET // timedelta(milliseconds=1), environment, vat_number, milliseconds(since)),
            ).fetchall()
        return [
            DayCount(_FIRST_DAY + timedelta(days=row["day"]), row["profile"], row["type_code"], row["outcome"], row[4])
            for row in rows
        ]

    def counts(self, device_id: int) -> list[DocumentCount]:
        """Return a device's reported and cleared documents by kind and outcome; compliance documents are none."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT coalesce(profile, '') AS profile, type_code, outcome, count(*) AS count FROM submission "
                "WHERE device_id = ? AND call <> 'compliance' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
                (device_id,),
            ).fetchall()
        return [DocumentCount(row["profile"], row["type_code"], row["outcome"], row["count"]) for row in rows]


@dataclass(frozen=True, slots=True)
class Accepted:
    """An earlier acceptance."""

    cleared: bytes | None
    """The cleared document as it was answered; None for a reported one."""


def _packed(document: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL)
    return packer.compress(document) + packer.flush()
