"""Credential generations G1, G2 …: a private key with its CSR, its CCSID and, once proven, its PCSID.

A generation is prepared beside the live one and replaces it in one transaction; once it is live nothing of it
changes, and it is kept after it retires because documents stamped with it go out under its credentials.
Source: the gateway contract 6.3 and 7.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, Row, delete, insert, select, update

from khatm.ledger import schema
from khatm.ledger.errors import GenerationOpen, WrongGenerationState

_generation = schema.generation
_step = schema.passed_step


class Purpose(StrEnum):
    """Why a generation was begun."""

    ONBOARDING = "onboarding"
    RENEWAL = "renewal"


class GenerationState(StrEnum):
    """Where a generation stands."""

    PREPARED = "prepared"
    """Key and CSR are stored, no CSID yet."""
    COMPLIANCE = "compliance"
    """It has a CCSID and works through the compliance checks."""
    LIVE = "live"
    """It has the unit's Production CSID."""
    RETIRED = "retired"
    """A later generation is live."""
    ABANDONED = "abandoned"
    """It was given up before it had a Production CSID."""


OPEN = (GenerationState.PREPARED, GenerationState.COMPLIANCE)


@dataclass(frozen=True, slots=True)
class StoredCredentials:
    """A CSID's user name (the token) and password (the secret) of Basic authentication."""

    token: str
    secret: str

    def __repr__(self) -> str:
        return f"StoredCredentials(token={self.token[:12]!r}…, secret=…)"


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation as stored; the key and the secrets are read by explicit calls of the ledger."""

    id: int
    unit_id: int
    number: int
    purpose: Purpose
    state: GenerationState
    csr_pem: bytes
    ccsid_token: str | None
    ccsid_request_id: str | None
    pcsid_token: str | None
    pcsid_request_id: str | None
    foreign_certificate: bool
    """Whether the production certificate holds another key than ours (the sandbox's fixed certificate)."""
    passed_steps: tuple[str, ...]
    """Compliance steps by their names on the wire, in the order in which they passed."""
    reason: str | None
    """Why it was abandoned."""
    created_at: datetime
    live_at: datetime | None
    ended_at: datetime | None

    @property
    def label(self) -> str:
        """The generation's name within its unit: G1, G2 …"""
        return f"G{self.number}"


def begin(
    connection: Connection,
    *,
    unit_id: int,
    unit_name: str,
    number: int,
    purpose: Purpose,
    seal_id: str,
    sealed_key: bytes,
    csr_pem: bytes,
    now: datetime,
) -> Generation:
    """Store a new generation with its sealed key and CSR; raises GenerationOpen when one is under way."""
    under_way = open_one(connection, unit_id)
    if under_way is not None:
        raise GenerationOpen(unit=unit_name, label=under_way.label, state=under_way.state)
    connection.execute(
        insert(_generation).values(
            unit_id=unit_id,
            number=number,
            purpose=purpose.value,
            state=GenerationState.PREPARED.value,
            seal_id=seal_id,
            sealed_key=sealed_key,
            csr_pem=csr_pem,
            foreign_certificate=False,
            created_at=now,
        )
    )
    row = connection.execute(
        select(_generation).where(_generation.c.unit_id == unit_id, _generation.c.number == number)
    ).one()
    return _from_row(connection, row)


def by_id(connection: Connection, generation_id: int) -> Generation:
    """Return a generation that another row or value refers to."""
    return _from_row(connection, connection.execute(select(_generation).where(_generation.c.id == generation_id)).one())


def of_unit(connection: Connection, unit_id: int) -> list[Generation]:
    """Return a unit's generations, oldest first."""
    rows = connection.execute(
        select(_generation).where(_generation.c.unit_id == unit_id).order_by(_generation.c.number)
    ).all()
    return [_from_row(connection, row) for row in rows]


def live_one(connection: Connection, unit_id: int) -> Generation | None:
    """Return the unit's live generation, if it has one."""
    return _one_in(connection, unit_id, (GenerationState.LIVE,))


def open_one(connection: Connection, unit_id: int) -> Generation | None:
    """Return the generation under way, if there is one."""
    return _one_in(connection, unit_id, OPEN)


@dataclass(frozen=True, slots=True)
class SealedParts:
    """What a generation keeps sealed, and the id that binds the seals to it."""

    seal_id: str
    key: bytes
    ccsid_secret: bytes | None
    pcsid_secret: bytes | None


def sealed(connection: Connection, generation_id: int) -> SealedParts:
    """Return a generation's sealed key and secrets."""
    row = connection.execute(select(_generation).where(_generation.c.id == generation_id)).one()
    return SealedParts(row.seal_id, row.sealed_key, row.ccsid_sealed_secret, row.pcsid_sealed_secret)


def set_ccsid(
    connection: Connection, generation: Generation, unit_name: str, *, token: str, sealed_secret: bytes, request_id: str
) -> Generation:
    """Store the Compliance CSID; a repetition of the same token changes nothing. Raises WrongGenerationState."""
    present = by_id(connection, generation.id)
    if present.state == GenerationState.COMPLIANCE and present.ccsid_token == token:
        return present
    _require(present, unit_name, "storing a Compliance CSID", (GenerationState.PREPARED,))
    _change(
        connection,
        present,
        state=GenerationState.COMPLIANCE.value,
        ccsid_token=token,
        ccsid_sealed_secret=sealed_secret,
        ccsid_request_id=request_id,
    )
    return by_id(connection, generation.id)


def add_step(connection: Connection, generation: Generation, unit_name: str, step: str, now: datetime) -> Generation:
    """Record a passed compliance step once. Raises WrongGenerationState."""
    present = by_id(connection, generation.id)
    _require(present, unit_name, "recording a compliance step", (GenerationState.COMPLIANCE,))
    if step not in present.passed_steps:
        connection.execute(insert(_step).values(generation_id=present.id, step=step, passed_at=now))
    return by_id(connection, generation.id)


def clear_steps(
    connection: Connection, generation: Generation, unit_name: str, steps: tuple[str, ...] | None
) -> Generation:
    """Forget passed steps (all, or those named): the authority says that it does not have them."""
    present = by_id(connection, generation.id)
    _require(present, unit_name, "forgetting compliance steps", (GenerationState.COMPLIANCE,))
    which = _step.c.generation_id == present.id
    if steps is not None:
        which &= _step.c.step.in_(steps)
    connection.execute(delete(_step).where(which))
    return by_id(connection, generation.id)


def go_live(
    connection: Connection,
    generation: Generation,
    unit_name: str,
    *,
    token: str,
    sealed_secret: bytes,
    request_id: str,
    foreign_certificate: bool,
    now: datetime,
) -> Generation:
    """Store the Production CSID, retire the live generation and make this one live. Raises WrongGenerationState."""
    present = by_id(connection, generation.id)
    if present.state == GenerationState.LIVE and present.pcsid_token == token:
        return present
    _require(present, unit_name, "storing a Production CSID", OPEN)
    # Retired first: the database holds at most one live generation per unit at any moment.
    former = live_one(connection, present.unit_id)
    if former is not None:
        _change(connection, former, state=GenerationState.RETIRED.value, ended_at=now)
    _change(
        connection,
        present,
        state=GenerationState.LIVE.value,
        pcsid_token=token,
        pcsid_sealed_secret=sealed_secret,
        pcsid_request_id=request_id,
        foreign_certificate=foreign_certificate,
        live_at=now,
    )
    return by_id(connection, generation.id)


def abandon(connection: Connection, generation: Generation, unit_name: str, reason: str, now: datetime) -> Generation:
    """Give up a generation that is not live; its key stays sealed in the ledger. Raises WrongGenerationState."""
    present = by_id(connection, generation.id)
    if present.state == GenerationState.ABANDONED:
        return present
    _require(present, unit_name, "abandoning", OPEN)
    _change(connection, present, state=GenerationState.ABANDONED.value, reason=reason, ended_at=now)
    return by_id(connection, generation.id)


def _one_in(connection: Connection, unit_id: int, states: tuple[GenerationState, ...]) -> Generation | None:
    row = connection.execute(
        select(_generation).where(
            _generation.c.unit_id == unit_id, _generation.c.state.in_([state.value for state in states])
        )
    ).one_or_none()
    return None if row is None else _from_row(connection, row)


def _require(generation: Generation, unit_name: str, action: str, allowed: tuple[GenerationState, ...]) -> None:
    if generation.state not in allowed:
        raise WrongGenerationState(
            unit=unit_name,
            label=generation.label,
            action=action,
            found=generation.state.value,
            allowed=", ".join(state.value for state in allowed),
        )


def _change(connection: Connection, generation: Generation, **values: object) -> None:
    connection.execute(update(_generation).where(_generation.c.id == generation.id).values(**values))


def _from_row(connection: Connection, row: Row[tuple[object, ...]]) -> Generation:
    values = row._mapping
    steps = connection.execute(
        select(_step.c.step).where(_step.c.generation_id == values["id"]).order_by(_step.c.id)
    ).scalars()
    return Generation(
        id=values["id"],
        unit_id=values["unit_id"],
        number=values["number"],
        purpose=Purpose(values["purpose"]),
        state=GenerationState(values["state"]),
        csr_pem=values["csr_pem"],
        ccsid_token=values["ccsid_token"],
        ccsid_request_id=values["ccsid_request_id"],
        pcsid_token=values["pcsid_token"],
        pcsid_request_id=values["pcsid_request_id"],
        foreign_certificate=values["foreign_certificate"],
        passed_steps=tuple(steps),
        reason=values["reason"],
        created_at=values["created_at"],
        live_at=values["live_at"],
        ended_at=values["ended_at"],
    )
