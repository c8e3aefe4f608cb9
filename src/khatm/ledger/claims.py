"""Claims: which process is sending a document just now, and until when the others keep their hands off.

A claim has a number that rises with each claim of its document; an outcome is stored only under the number that
sent it. A claim ends with its outcome, with its lease, or at once when its process is seen to be dead.
"""

import os
import socket
import sys
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, select, update

from khatm.ledger import documents, schema
from khatm.ledger.documents import UNSENT, Document, DocumentState
from khatm.ledger.errors import ClaimLost

_document = schema.document

LEASE = timedelta(minutes=5)
"""Longer than one call can take with all its time-outs (10 s to connect, 180 s for the whole answer)."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send one document now; `number` fences off whoever held it before."""

    document: Document
    number: int


def owner_name() -> str:
    """Return a name for this process that another process on this machine can test for life."""
    pid = os.getpid()
    return f"{socket.gethostname()}/{pid}/{_birth(pid)}/{uuid.uuid4().hex[:8]}"


def claim(connection: Connection, document_id: int, owner: str, now: datetime, lease: timedelta) -> Claim | None:
    """Claim an undecided document; None when another live process has it or it was decided meanwhile."""
    row = connection.execute(select(_document).where(_document.c.id == document_id).with_for_update()).one()
    if DocumentState(row.state) not in UNSENT:
        return None
    if row.claimed_by is not None and row.claim_expires_at > now and not _is_dead(row.claimed_by):
        return None
    number = row.claim_number + 1
    connection.execute(
        update(_document)
        .where(_document.c.id == document_id)
        .values(claim_number=number, claimed_by=owner, claim_expires_at=now + lease)
    )
    return Claim(documents.from_row(row), number)


def extend(connection: Connection, held: Claim, now: datetime, lease: timedelta) -> None:
    """Start the lease anew before a second call for the same document. Raises ClaimLost."""
    require_current(connection, held)
    connection.execute(update(_document).where(_document.c.id == held.document.id).values(claim_expires_at=now + lease))


def release(connection: Connection, held: Claim) -> None:
    """Give a document back undecided; does nothing when the claim has passed to another process."""
    connection.execute(
        update(_document)
        .where(_document.c.id == held.document.id, _document.c.claim_number == held.number)
        .values(claimed_by=None, claim_expires_at=None)
    )


def require_current(connection: Connection, held: Claim) -> None:
    """Raise ClaimLost unless this claim is the document's latest and not given back."""
    row = connection.execute(
        select(_document.c.claim_number, _document.c.claimed_by)
        .where(_document.c.id == held.document.id)
        .with_for_update()
    ).one()
    if row.claim_number != held.number or row.claimed_by is None:
        raise ClaimLost(uuid=held.document.uuid)


def _is_dead(owner: str) -> bool:
    """Say whether a claim's process is surely gone: it was on this machine and no such process lives."""
    host, pid_text, birth, _ = owner.split("/")
    if host != socket.gethostname() or sys.platform == "win32":
        return False  # on Windows the signal 0 below is Ctrl-C, and not for asking
    pid = int(pid_text)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    # The number may have been given to another process since.
    return bool(birth) and _birth(pid) != birth


def _birth(pid: int) -> str:
    """Return when a process started, in the kernel's ticks; empty where the system does not tell."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]
