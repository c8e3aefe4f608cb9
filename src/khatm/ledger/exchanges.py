"""Evidence: every exchange with the gateway about a document."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from sqlalchemy import Connection, Row, insert, select

from khatm.ledger import schema

_exchange = schema.exchange

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


def last_of_document(connection: Connection, document_id: int) -> Exchange | None:
    """Return the last exchange about a document, None if there is none."""
    row = connection.execute(
        select(_exchange).where(_exchange.c.document_id == document_id).order_by(_exchange.c.id.desc()).limit(1)
    ).one_or_none()
    return None if row is None else _from_row(row)


def add(connection: Connection, document_id: int, exchange: Exchange) -> None:
    """Store an exchange about a document; the caller counts the attempt and guards the claim."""
    connection.execute(
        insert(_exchange).values(
            document_id=document_id,
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
