"""The stamp's vectors as the tests read them: documents with what holds for each, keys, certificates, spellings."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from khatm.clock import SAUDI

FOLDER = Path(__file__).parent / "data" / "stamp"
SELLER = "310123456700003"
"""The VAT number of every document and certificate of the vectors."""


@dataclass(frozen=True)
class VectorDocument:
    """One document of the vectors."""

    group: str
    path: str
    """Relative to the folder of the vectors, such as `mutated/qr-1.xml`."""
    failing_checks: tuple[str, ...]
    invoice_hash: str
    uuid: str
    transaction_code: str
    note: str

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return Path(self.path).stem

    @property
    def xml(self) -> bytes:
        """The file's bytes."""
        return file(self.path)

    @property
    def simplified(self) -> bool:
        """Whether KSA-2 begins with 02."""
        return self.transaction_code.startswith("02")

    @property
    def body(self) -> dict[str, str]:
        """The three members that a client sends for it."""
        return {
            "invoiceHash": self.invoice_hash,
            "uuid": self.uuid,
            "invoice": base64.b64encode(self.xml).decode(),
        }


@cache
def vectors() -> dict[str, Any]:
    """The whole file of vectors."""
    return dict(json.loads((FOLDER / "stamp.json").read_bytes()))


def file(path: str) -> bytes:
    """The bytes of a file of the vectors."""
    return (FOLDER / path).read_bytes()


@cache
def documents(group: str) -> tuple[VectorDocument, ...]:
    """The documents of a group: `own` or `mutated`."""
    return tuple(
        VectorDocument(
            group=group,
            path=each["file"].removeprefix("vectors/stamp/"),
            failing_checks=tuple(each["failing_checks"]),
            invoice_hash=each["invoice_hash"],
            uuid=each["uuid"],
            transaction_code=each["type_name"],
            note=each.get("note") or "",
        )
        for each in vectors()["documents"]
        if each["group"] == group
    )


def document(name: str) -> VectorDocument:
    """The document whose file has this name."""
    return next(each for group in ("own", "mutated") for each in documents(group) if each.name == name)


def key_scalar(name: str) -> bytes:
    """The private scalar of a named key."""
    return next(bytes.fromhex(each["d_hex"]) for each in vectors()["keys"] if each["name"] == name)


SIGNED_AT = datetime(2026, 1, 15, 13, 0, tzinfo=SAUDI)
"""A moment within 24 hours of every document's issue time."""
