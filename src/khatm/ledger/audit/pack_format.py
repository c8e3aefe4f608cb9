"""The auditor's pack: names of its members, and the shape of its lists.

The pack is a zip file with fixed time stamps, so that the same documents give the same bytes. docs/adr/0009 says why it
looks as it does.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from khatm.ledger.audit.record import Record

FORMAT: Final = "khatm-auditor-pack"
VERSION: Final = 2
"""Version 1 had no events."""

MOST_DOCUMENTS: Final = 300_000
"""In one pack: its table of contents is read into memory as a whole."""

README: Final = "README.txt"
MANIFEST: Final = "manifest.json"
DOCUMENTS: Final = "documents.jsonl"
EVENTS: Final = "events.jsonl"
STATEMENT_DATA: Final = "statement.jsonl"
STATEMENT_CSV: Final = "statement.csv"
STATEMENT_TEXT: Final = "statement.txt"
SUMS: Final = "SHA256SUMS"

_Hash = Annotated[str, Field(max_length=100)]
_Text = Annotated[str, Field(max_length=10_000)]
_Place = Annotated[int, Field(ge=0, lt=10**18)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class UnitPart(_Part):
    """Whose documents these are."""

    name: _Text
    vat_number: _Text
    environment: _Text
    common_name: _Text
    serial_number: _Text


class ImportPart(_Part):
    """A place at which the chain goes on from a document that the ledger did not have."""

    after_icv: _Place
    icv: _Place
    invoice_hash: _Hash
    uuid: _Text | None
    file: _Text | None
    """The document at `icv`, kept as evidence; None: its hash was only stated."""


class ChainPart(_Part):
    """How the documents hang in the unit's chain."""

    previous_icv: _Place
    """The counter before the first document listed; 0 at the beginning of the chain."""
    previous_hash: _Hash
    next_icv: _Place
    """The head when the pack was made: the counter that the next document takes."""
    last_hash: _Hash
    imports: Annotated[tuple[ImportPart, ...], Field(max_length=10_000)]


class GenerationPart(_Part):
    """One set of credentials: the certificate that its stamps were made under."""

    label: _Text
    certificate: _Text
    public_key: _Text | None
    """The unit's own key (65 bytes, hexadecimal) where the certificate is the sandbox's canned one."""


class Manifest(_Part):
    """What the pack is about."""

    format: Literal["khatm-auditor-pack"]
    version: Literal[1, 2]
    unit: UnitPart
    first_day: _Text
    last_day: _Text
    documents: _Place
    """How many documents are in the pack with their bytes."""
    listed: _Place
    """How many lines `documents.jsonl` has."""
    events: _Place | None = None
    """How many lines `events.jsonl` has; None in version 1, which has no such file."""
    chain: ChainPart
    generations: Annotated[tuple[GenerationPart, ...], Field(max_length=1000)]

    @model_validator(mode="after")
    def _events_since_version_2(self) -> Self:
        if (self.events is None) != (self.version == 1):
            raise ValueError("events are counted from version 2 on")
        return self


class DocumentLine(_Part):
    """One document of the chain. Those of other days that stand between are listed too, without files."""

    icv: _Place
    uuid: _Text
    invoice_hash: _Hash
    previous_hash: _Hash
    profile: _Text
    type_code: _Text
    transaction_code: _Text
    issue_date: _Text
    issue_time: _Text
    payable: _Text
    vat_total: _Text
    deadline: _Text | None
    generation: _Text
    issued_at: _Text
    reference: _Text | None
    state: Literal["issued", "waiting", "accepted", "accepted_with_warnings", "rejected", "set_aside"]
    route: _Text
    attempts: _Place
    reason: Annotated[str, Field(max_length=1_000_000)] | None
    settled_at: _Text | None
    file: _Text | None
    cleared: _Text | None
    exchanges: _Text | None

    def record(self) -> Record:
        """Return what is compared with the stamped bytes."""
        return Record(**{name: getattr(self, name) for name in Record.__slots__})


class EventLine(_Part):
    """One event: what happened to a document of the pack, or, without `icv` and `uuid`, to the unit."""

    at: _Text
    kind: _Text
    icv: _Place | None
    uuid: _Text | None
    facts: dict[str, object]
