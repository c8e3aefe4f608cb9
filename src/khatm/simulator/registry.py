"""Who the authority knows: taxpayers, their devices, and the credentials that it gave them."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from khatm.environment import Environment
from khatm.simulator.certificates import IssuedCertificate
from khatm.simulator.csr import ReceivedCsr
from khatm.simulator.store import Store, milliseconds, moment

CredentialKind = Literal["ccsid", "pcsid"]


@dataclass(frozen=True, slots=True)
class Credential:
    """One CSID that was given out; the token and the secret themselves are not kept."""

    id: int
    device_id: int
    environment: Environment
    kind: CredentialKind
    request_id: int
    secret_hash: bytes
    certificate: bytes
    """DER."""
    request: bytes
    """The CSR's DER, which the PCSID of a CCSID is made from."""
    vat_number: str
    """The certificate's, which with the sandbox's fixed certificate is not the device's."""
    type_map: str
    issued_at: datetime
    not_after: datetime
    revoked_at: datetime | None
    predecessor_id: int | None
    """The PCSID that a renewal's credential replaces."""

    def usable(self, now: datetime) -> bool:
        """Tell whether the credential still authenticates at `now`."""
        return now < self.not_after and (self.revoked_at is None or now < self.revoked_at)


@dataclass(frozen=True, slots=True)
class Device:
    """One solution unit of a taxpayer, as the portal's list shows it."""

    id: int
    environment: Environment
    vat_number: str
    common_name: str
    egs_serial: str
    type_map: str
    onboarded_at: datetime | None
    """When its first PCSID was issued."""
    revoked_at: datetime | None


_MOST_TOKENS = 1000
_MOST_OF_A_TOKEN = 4
"""Everybody has the sandbox's fixed certificate."""
_CREDENTIAL = (
    "id, device_id, environment, kind, request_id, secret_hash, certificate, request, vat_number, type_map, "
    "issued_at, not_after, revoked_at, predecessor_id"
)
_DEVICE = "id, environment, vat_number, common_name, egs_serial, type_map, onboarded_at, revoked_at"


class Registry:
    """Reads and writes taxpayers, devices and credentials."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._by_token: dict[tuple[Environment, bytes], list[Credential]] = {}
        """What `credentials_by_token` has found, until a credential changes; touched within the store's lock only."""
        store.tell_replaced(self._by_token.clear)

    def know_taxpayer(self, vat_number: str, now: datetime) -> None:
        """Make a VAT number a taxpayer if it is none yet."""
        with self._store.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO taxpayer (vat_number, first_seen) VALUES (?, ?)",
                (vat_number, milliseconds(now)),
            )

    def add_device(self, environment: Environment, csr: ReceivedCsr, now: datetime) -> int:
        """Note a device at its first CCSID, return its number. A serial that is known already makes another one."""
        self.know_taxpayer(csr.vat_number, now)
        with self._store.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO device (environment, vat_number, common_name, egs_serial, type_map, created_at) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (
                    environment,
                    csr.vat_number,
                    csr.common_name,
                    csr.egs_serial,
                    csr.type_map,
                    milliseconds(now),
                ),
            )
            return int(cursor.lastrowid or 0)

    def devices(self, environment: Environment | None = None, vat_number: str | None = None) -> list[Device]:
        """Return the devices in the order of their first CCSID."""
        with self._store.reading() as connection:
            rows = connection.execute(
                f"SELECT {_DEVICE} FROM device "  # noqa: S608 - a constant of this module
                "WHERE (?1 IS NULL OR environment = ?1) AND (?2 IS NULL OR vat_number = ?2) ORDER BY id",
                (environment, vat_number),
            ).fetchall()
        return [_device(row) for row in rows]

    def device(self, device_id: int) -> Device | None:
        """Return one device, or None."""
        with self._store.reading() as connection:
            row = connection.execute(
                f"SELECT {_DEVICE} FROM device WHERE id = ?",  # noqa: S608 - a constant of this module
                (device_id,),
            ).fetchone()
        return None if row is None else _device(row)

    def activate(self, device_id: int, csr: ReceivedCsr, now: datetime) -> None:
        """Note that a device received a PCSID for this request: its names and map are now the request's."""
        with self._store.transaction() as connection:
            connection.execute(
                "UPDATE device SET onboarded_at = coalesce(onboarded_at, ?), common_name = ?, egs_serial = ?, "
                "type_map = ? WHERE id = ?",
                (milliseconds(now), csr.common_name, csr.egs_serial, csr.type_map, device_id),
            )

    def revoke_device(self, device_id: int, now: datetime) -> None:
        """Revoke a device with every credential of it, as the portal's Revoke does; nothing undoes it."""
        at = milliseconds(now)
        with self._changing_credentials() as connection:
            connection.execute("UPDATE device SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?", (at, device_id))
            connection.execute(
                "UPDATE credential SET revoked_at = min(coalesce(revoked_at, ?1), ?1) WHERE device_id = ?2",
                (at, device_id),
            )

    def expire_credential(self, credential_id: int, now: datetime) -> None:
        """Let a credential's time run out now."""
        with self._changing_credentials() as connection:
            connection.execute("UPDATE credential SET not_after = ? WHERE id = ?", (milliseconds(now), credential_id))

    def free_ccsid_serial(self, at_least: int) -> int:
        """Return the first serial number from `at_least` on that no CCSID has: two may be asked for in one moment."""
        with self._store.reading() as connection:
            serial = at_least
            while connection.execute("SELECT 1 FROM credential WHERE ccsid_serial = ?", (serial,)).fetchone():
                serial += 1
            return serial

    def add_credential(
        self,
        *,
        device_id: int,
        environment: Environment,
        kind: CredentialKind,
        request_id: int,
        issued: IssuedCertificate,
        secret: str,
        request: bytes,
        now: datetime,
        predecessor_id: int | None = None,
        source_id: int | None = None,
        ccsid_serial: int | None = None,
    ) -> None:
        """Keep a CSID that is about to be given out, its token and secret as hashes.

        `predecessor_id` is the PCSID that a renewal replaces, `source_id` the CCSID that a PCSID was made from.
        """
        with self._changing_credentials() as connection:
            connection.execute(
                "INSERT INTO credential (device_id, environment, kind, request_id, token_hash, secret_hash, "
                "fingerprint, certificate, request, vat_number, type_map, issued_at, not_after, predecessor_id, "
                "source_id, ccsid_serial) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    device_id,
                    environment,
                    kind,
                    request_id,
                    digest(issued.token),
                    digest(secret),
                    issued.fingerprint,
                    issued.der,
                    request,
                    issued.vat_number,
                    issued.type_map,
                    milliseconds(now),
                    milliseconds(issued.not_after),
                    predecessor_id,
                    source_id,
                    ccsid_serial,
                ),
            )

    def credentials_by_token(self, environment: Environment, token: str) -> list[Credential]:
        """Return what was given out under this token: one, or several with the sandbox's fixed certificate."""
        key = environment, digest(token)
        with self._store.reading() as connection:
            found = self._by_token.get(key)
            if found is None:
                rows = connection.execute(
                    f"SELECT {_CREDENTIAL} FROM credential "  # noqa: S608 - a constant of this module
                    "WHERE environment = ? AND token_hash = ? ORDER BY id DESC",
                    key,
                ).fetchall()
                found = [_credential(row) for row in rows]
                if 0 < len(found) <= _MOST_OF_A_TOKEN and self._store.settled:
                    if len(self._by_token) >= _MOST_TOKENS:
                        self._by_token.clear()
                    self._by_token[key] = found
        return found

    @contextmanager
    def _changing_credentials(self) -> Iterator[sqlite3.Connection]:
        """Hold a transaction; what is read of credentials within it is not remembered."""
        with self._store.transaction() as connection:
            self._by_token.clear()
            yield connection

    def credentials_of(self, device_id: int) -> list[Credential]:
        """Return a device's credentials, oldest first."""
        with self._store.reading() as connection:
            rows = connection.execute(
                f"SELECT {_CREDENTIAL} FROM credential WHERE device_id = ? ORDER BY id",  # noqa: S608 - as above
                (device_id,),
            ).fetchall()
        return [_credential(row) for row in rows]

    def issued_from(self, credential_id: int) -> int:
        """Return how many PCSIDs were made from a CCSID."""
        with self._store.reading() as connection:
            row = connection.execute("SELECT count(*) FROM credential WHERE source_id = ?", (credential_id,)).fetchone()
        return int(row[0])

    def retire_pcsids(self, device_id: int, when: datetime, *, but_from: int | None) -> None:
        """Let a renewed device's PCSIDs stop authenticating at `when`, or earlier if that was settled before.

        Those made from the CCSID `but_from` belong to the renewal itself and stay.
        """
        with self._changing_credentials() as connection:
            connection.execute(
                "UPDATE credential SET revoked_at = min(coalesce(revoked_at, ?1), ?1) "
                "WHERE device_id = ?2 AND kind = 'pcsid' AND source_id IS NOT ?3",
                (milliseconds(when), device_id, but_from if but_from is not None else -1),
            )

    def knows_certificate(
        self, environment: Environment, vat_number: str, kind: CredentialKind, certificate: bytes
    ) -> bool:
        """Tell whether this DER is a CSID of this kind that a taxpayer was given, whatever became of it."""
        with self._store.reading() as connection:
            row = connection.execute(
                "SELECT 1 FROM credential WHERE fingerprint = ? AND environment = ? AND vat_number = ? AND kind = ?",
                (hashlib.sha256(certificate).digest(), environment, vat_number, kind),
            ).fetchone()
        return row is not None

    def record_step(self, credential_id: int, step: str, now: datetime) -> None:
        """Note a compliance step of a CCSID as passed."""
        with self._store.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO step VALUES (?, ?, ?)", (credential_id, step, milliseconds(now)))

    def steps(self, credential_id: int) -> frozenset[str]:
        """Return the names of the compliance steps that a CCSID has passed."""
        with self._store.reading() as connection:
            rows = connection.execute("SELECT name FROM step WHERE credential_id = ?", (credential_id,)).fetchall()
        return frozenset(row[0] for row in rows)


def digest(text: str) -> bytes:
    """Return the form in which tokens and secrets are kept."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _when(stored: int | None) -> datetime | None:
    return None if stored is None else moment(stored)


def _device(row: sqlite3.Row) -> Device:
    return Device(
        id=row["id"],
        environment=Environment(row["environment"]),
        vat_number=row["vat_number"],
        common_name=row["common_name"],
        egs_serial=row["egs_serial"],
        type_map=row["type_map"],
        onboarded_at=_when(row["onboarded_at"]),
        revoked_at=_when(row["revoked_at"]),
    )


def _credential(row: sqlite3.Row) -> Credential:
    return Credential(
        id=row["id"],
        device_id=row["device_id"],
        environment=Environment(row["environment"]),
        kind=row["kind"],
        request_id=row["request_id"],
        secret_hash=row["secret_hash"],
        certificate=row["certificate"],
        request=row["request"],
        vat_number=row["vat_number"],
        type_map=row["type_map"],
        issued_at=moment(row["issued_at"]),
        not_after=moment(row["not_after"]),
        revoked_at=_when(row["revoked_at"]),
        predecessor_id=row["predecessor_id"],
    )
