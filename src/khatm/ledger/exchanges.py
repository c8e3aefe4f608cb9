"""Evidence: every exchange with the gateway about a document, and the outcome it led to."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from sqlalchemy import Connection, Row, insert, select, update

from khatm.ledger import claims, documents, schema
from khatm.ledger.claims import Claim
from khatm.ledger.documents import UNSENT, Document, DocumentState, Route

_exchange = schema.exchange
_document = schema.document

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came of it, free of secrets: header values and the answer as they travelled.

    The request's body is the document's stored bytes in the gateway's envelope, so only its digest is kept.
    """

    call: str
    row: str
    """The line of the outcome table that decided."""
    verdict: str
    method: str
    url: str
    request_headers: Headers
    request_body_sha256: str
    http_status: int | None
    response_headers: Headers
    response_body: bytes | None = field(repr=False)
    failure: str | None
    """What went wrong on the wire, None if nothing did."""
    started_at: datetime
    ended_at: datetime
    generation_id: int
    """Whose credentials were used."""


def body_digest(body: bytes) -> str:
    """Return the SHA-256 of a request body in hex."""
    return hashlib.sha256(body).hexdigest()


def of_document(connection: Connection, document_id: int) -> list[Exchange]:
    """Return all exchanges about a document in order."""
    rows = connection.execute(select(_exchange).where(_exchange.c.document_id == document_id).order_by(_exchange.c.id))
    return [_from_row(row) for row in rows]


def add(connection: Connection, held: Claim, exchange: Exchange) -> None:
    """Store an exchange under a claim and count the attempt. Raises ClaimLost."""
    claims.require_current(connection, held)
    connection.execute(
        insert(_exchange).values(
            document_id=held.document.id,
            generation_id=exchange.generation_id,
            call=exchange.call,
            outcome_row=exchange.row,
            verdict=exchange.verdict,
            method=exchange.method,
            url=exchange.url,
            request_headers=exchange.request_headers,
            request_body_sha256=exchange.request_body_sha256,
            http_status=exchange.http_status,
            response_headers=exchange.response_headers,
            response_body=exchange.response_body,
            failure=exchange.failure,
            started_at=exchange.started_at,
            ended_at=exchange.ended_at,
        )
    )
    connection.execute(
        update(_document).where(_document.c.id == held.document.id).values(attempts=_document.c.attempts + 1)
    )


def settle(
    connection: Connection,
    held: Claim,
    state: DocumentState,
    *,
    reason: str | None,
    next_attempt_at: datetime | None,
    route: Route | None,
    cleared_xml: bytes | None,
    now: datetime,
) -> Document:
    """Store what a document's sending came to and give the claim back. Raises ClaimLost."""
    claims.require_current(connection, held)
    if cleared_xml is not None:
        connection.execute(insert(schema.cleared_xml).values(document_id=held.document.id, content=cleared_xml))
    connection.execute(
        update(_document)
        .where(_document.c.id == held.document.id)
        .values(
            state=state.value,
            reason=reason,
            next_attempt_at=next_attempt_at,
            route=(route or held.document.route).value,
            settled_at=None if state in UNSENT else now,
            claimed_by=None,
            claim_expires_at=None,
        )
    )
    return documents.by_id(connection, held.document.id)


def _from_row(row: Row[tuple[object, ...]]) -> Exchange:
    values = row._mapping
    return Exchange(
        call=values["call"],
        row=values["outcome_row"],
        verdict=values["verdict"],
        method=values["method"],
        url=values["url"],
        request_headers=_headers(values["request_headers"]),
        request_body_sha256=values["request_body_sha256"],
        http_status=values["http_status"],
        response_headers=_headers(values["response_headers"]),
        response_body=values["response_body"],
        failure=values["failure"],
        started_at=values["started_at"],
        ended_at=values["ended_at"],
        generation_id=values["generation_id"],
    )


def _headers(pairs: object) -> Headers:
    return tuple((name, value) for name, value in cast("list[list[str]]", pairs))
