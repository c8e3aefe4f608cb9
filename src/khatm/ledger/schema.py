"""The tables of the present schema, as the queries see them; `migrations` makes them, a test compares the two."""

import json
from datetime import UTC, datetime
from typing import cast

from sqlalchemy import (
    DOUBLE_PRECISION,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


def moment_text(moment: datetime) -> str:
    """Return an aware moment as it is stored: `YYYY-MM-DDThh:mm:ss.ffffffZ`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Moment(TypeDecorator[datetime]):
    """An aware moment as UTC text of fixed width, which sorts as time does on every database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Return the moment as `moment_text` writes it."""
        return None if value is None else moment_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Return the stored text as an aware UTC moment."""
        return None if value is None else datetime.fromisoformat(value)


class Json(TypeDecorator[object]):
    """Plain JSON text, keys sorted, Arabic readable."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object | None, dialect: Dialect) -> str | None:
        """Return the value as JSON text."""
        return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)

    def process_result_value(self, value: str | None, dialect: Dialect) -> object | None:
        """Return the stored text as plain lists, dicts, text and numbers."""
        return None if value is None else cast(object, json.loads(value))


_Id = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

schema_version = Table(
    "schema_version",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("applied_at", Moment, nullable=False),
)

ledger_identity = Table(
    "ledger_identity",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("identity", Text, nullable=False),
)

seal_check = Table(
    "seal_check",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
)

unit = Table(
    "unit",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("environment", Text, nullable=False),
    Column("csr_fields", Json, nullable=False),
    Column("seller", Json),
    Column("gateway_url", Text),
    Column("vat_number", Text, nullable=False),
    Column("type_map", Text, nullable=False),
    Column("next_icv", _Id, nullable=False),
    Column("last_hash", Text, nullable=False),
    Column("next_generation", Integer, nullable=False),
    Column("stopped_reason", Text),
    Column("stopped_at", Moment),
    Column("created_at", Moment, nullable=False),
)

generation = Table(
    "generation",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("unit_id", _Id, ForeignKey("unit.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("seal_id", Text, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
    Column("csr_pem", LargeBinary, nullable=False),
    Column("ccsid_token", Text),
    Column("ccsid_sealed_secret", LargeBinary),
    Column("ccsid_request_id", Text),
    Column("pcsid_token", Text),
    Column("pcsid_sealed_secret", LargeBinary),
    Column("pcsid_request_id", Text),
    Column("foreign_certificate", Boolean, nullable=False),
    Column("reason", Text),
    Column("created_at", Moment, nullable=False),
    Column("live_at", Moment),
    Column("ended_at", Moment),
)

passed_step = Table(
    "passed_step",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("generation_id", _Id, ForeignKey("generation.id"), nullable=False),
    Column("step", Text, nullable=False),
    Column("passed_at", Moment, nullable=False),
)

call_journal = Table(
    "call_journal",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("unit_id", _Id, ForeignKey("unit.id"), nullable=False),
    Column("generation_id", _Id, ForeignKey("generation.id")),
    Column("call", Text, nullable=False),
    Column("facts", Json, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("answer", Json),
    Column("answered_at", Moment),
)

document = Table(
    "document",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("unit_id", _Id, ForeignKey("unit.id"), nullable=False),
    Column("generation_id", _Id, ForeignKey("generation.id"), nullable=False),
    Column("icv", _Id, nullable=False),
    Column("uuid", Text, nullable=False, unique=True),
    Column("invoice_hash", Text, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("reference", Text),
    Column("content_digest", Text),
    Column("profile", Text, nullable=False),
    Column("type_code", Text, nullable=False),
    Column("transaction_code", Text, nullable=False),
    Column("issue_date", Text, nullable=False),
    Column("issue_time", Text, nullable=False),
    Column("payable", Text, nullable=False),
    Column("vat_total", Text, nullable=False),
    Column("issued_at", Moment, nullable=False),
    Column("deadline", Moment),
    Column("state", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Moment),
    Column("reason", Text),
    Column("settled_at", Moment),
    Column("follows", _Id, ForeignKey("document.id")),
)

stamped_xml = Table(
    "stamped_xml",
    metadata,
    Column("document_id", _Id, ForeignKey("document.id"), primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("sha256", Text),
    Column("authored", LargeBinary),
)

cleared_xml = Table(
    "cleared_xml",
    metadata,
    Column("document_id", _Id, ForeignKey("document.id"), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

exchange = Table(
    "exchange",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("document_id", _Id, ForeignKey("document.id"), nullable=False),
    Column("generation_id", _Id, ForeignKey("generation.id"), nullable=False),
    Column("call", Text, nullable=False),
    Column("outcome_row", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("request_headers", Json, nullable=False),
    Column("request_body_sha256", Text, nullable=False),
    Column("http_status", Integer),
    Column("response_headers", Json, nullable=False),
    Column("response_body", LargeBinary),
    Column("failure", Text),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment, nullable=False),
)

unit_claim = Table(
    "unit_claim",
    metadata,
    Column("unit_id", _Id, ForeignKey("unit.id"), primary_key=True),
    Column("number", _Id, nullable=False),
    Column("owner", Text),
    Column("expires_at", DOUBLE_PRECISION, nullable=False),
)

event = Table(
    "event",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("kind", Text, nullable=False),
    Column("unit_id", _Id, ForeignKey("unit.id")),
    Column("document_id", _Id, ForeignKey("document.id")),
    Column("facts", Json, nullable=False),
)

escalation = Table(
    "escalation",
    metadata,
    Column("document_id", _Id, ForeignKey("document.id"), primary_key=True),
    Column("hours", Integer, primary_key=True, autoincrement=False),
    Column("raised_at", Moment, nullable=False),
    Column("told_at", Moment),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Moment, nullable=False),
)

chain_import = Table(
    "chain_import",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("unit_id", _Id, ForeignKey("unit.id"), nullable=False),
    Column("after_icv", _Id, nullable=False),
    Column("icv", _Id, nullable=False),
    Column("invoice_hash", Text, nullable=False),
    Column("uuid", Text),
    Column("content", LargeBinary),
    Column("imported_at", Moment, nullable=False),
)
