"""Claims: which process is sending for a unit just now, and until when the others keep their hands off.

A claim has a number that rises with each claim of its unit; what came of sending is stored only under the number that
sent it. A claim ends when it is given back, with its lease, or at once when its process is seen to be dead. Leases are
measured by the database's clock, so that neither the ledger's clock nor another machine's has a say; a clock that is
set wrong can only bring a claim to another process early, and then the number keeps the first one from doing harm.
"""

import os
import socket
import sys
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select, text, update

from khatm.ledger import schema
from khatm.ledger.sending_errors import ClaimLost

_claim = schema.unit_claim

LEASE = 10.0
"""Seconds that a claim holds without a sign of life; whoever holds one gives three signs within them."""

_CLOCK = {
    "sqlite": text("SELECT (julianday('now') - 2440587.5) * 86400.0"),
    "postgresql": text("SELECT extract(epoch FROM clock_timestamp())::double precision"),
}


@dataclass(frozen=True, slots=True)
class UnitClaim:
    """The right to send a unit's documents now; `number` fences off whoever held it before."""

    unit_id: int
    unit_name: str
    number: int
    taken_from: str | None = None
    """Whose claim had not been given back, when this one took its place."""


def owner_name() -> str:
    """Return a name for this process that another process on this machine can test for life."""
    pid = os.getpid()
    return f"{_host()}/{pid}/{_birth(pid)}/{uuid.uuid4().hex[:8]}"


def add(connection: Connection, unit_id: int) -> None:
    """Make the row of a new unit, claimed by nobody."""
    connection.execute(_claim.insert().values(unit_id=unit_id, number=0, owner=None, expires_at=0.0))


def take(connection: Connection, unit_id: int, unit_name: str, owner: str, lease: float) -> UnitClaim | None:
    """Claim a unit for `lease` seconds; None when a live process has it, this one included."""
    row = connection.execute(select(_claim).where(_claim.c.unit_id == unit_id).with_for_update()).one()
    now = _now(connection)
    # An end further away than any lease was written before the clock was set back: it says nothing.
    runs = now < row.expires_at <= now + max(lease, LEASE)
    if row.owner is not None and runs and not _is_dead(row.owner):
        return None
    number = row.number + 1
    connection.execute(
        update(_claim).where(_claim.c.unit_id == unit_id).values(number=number, owner=owner, expires_at=now + lease)
    )
    return UnitClaim(unit_id, unit_name, number, row.owner)


def keep(connection: Connection, owner: str, unit_ids: Collection[int], lease: float) -> frozenset[int]:
    """Start the leases of an owner's claims on some units anew; return the ids of those that it still has.

    Only of those that it knows of: a claim whose commit was never heard of, or that could not be given back, must end.
    """
    rows = connection.execute(
        update(_claim)
        .where(_claim.c.owner == owner, _claim.c.unit_id.in_(sorted(unit_ids)))
        .values(expires_at=_now(connection) + lease)
        .returning(_claim.c.unit_id)
    )
    return frozenset(rows.scalars())


def release(connection: Connection, held: UnitClaim) -> None:
    """Give a unit back; does nothing when the claim has passed to another process."""
    connection.execute(
        update(_claim).where(_claim.c.unit_id == held.unit_id, _claim.c.number == held.number).values(owner=None)
    )


def require_current(connection: Connection, held: UnitClaim) -> None:
    """Raise ClaimLost unless this claim is the unit's latest and not given back; holds it until the commit."""
    row = connection.execute(
        select(_claim.c.number, _claim.c.owner).where(_claim.c.unit_id == held.unit_id).with_for_update()
    ).one()
    if row.number != held.number or row.owner is None:
        raise ClaimLost(unit=held.unit_name)


def _now(connection: Connection) -> float:
    """Return the database's time in seconds since 1970."""
    return float(connection.execute(_CLOCK[connection.dialect.name]).scalar_one())


def _is_dead(owner: str) -> bool:
    """Say whether a claim's process is surely gone: it was on this machine and no such process lives."""
    host, pid_text, birth, _ = owner.split("/")
    if host != _host() or sys.platform == "win32":
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


def _host() -> str:
    """Return a name for the place where process numbers mean what they mean here.

    Two containers may share a host name and yet number their processes apart: start of the system and process
    namespace tell them apart where the system has them.
    """
    parts = [socket.gethostname()]
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        parts.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    except OSError:
        pass
    return ":".join(parts).replace("/", ":")


def _birth(pid: int) -> str:
    """Return when a process started, in the kernel's ticks; empty where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    return status.rpartition(")")[2].split()[19]
