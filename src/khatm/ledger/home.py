"""KHATM_HOME: where the ledger, the locks and the sealing key lie, and who may read them."""

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from khatm.ledger.errors import PassphraseFileUnreadable, PassphraseNotText
from khatm.ledger.safe_files import sync_folder
from khatm.ledger.store_errors import LedgerNoAccess

if TYPE_CHECKING:
    from khatm.stamp.custody import Custodian

_DEFAULT = Path("~/.local/share/khatm")


class Home:
    """One Khatm installation's folder, database address and custodian of secrets.

    `path` wins over KHATM_HOME, which wins over ~/.local/share/khatm. The folder is made (mode 0700) when it
    is first needed, never by looking. Pass `environ` to read other settings than the process's.
    """

    def __init__(self, path: Path | None = None, *, environ: Mapping[str, str] | None = None) -> None:
        settings = os.environ if environ is None else environ
        self.path = _without_tilde(path or Path(settings.get("KHATM_HOME") or _DEFAULT))
        self.database_url = settings.get("KHATM_DATABASE_URL") or None
        """Where the ledger is if it is not `database_path`."""
        self.master_key_created = False
        """True once this object has made `master.key`, so that the user can be told exactly once."""
        self._passphrase = settings.get("KHATM_PASSPHRASE") or None
        self._passphrase_file = settings.get("KHATM_PASSPHRASE_FILE") or None
        self._custodian: Custodian | None = None

    def __repr__(self) -> str:
        return f"Home({str(self.path)!r})"

    @property
    def master_key_path(self) -> Path:
        """Where the random sealing key lies when no passphrase is set."""
        return self.path / "master.key"

    @property
    def database_path(self) -> Path:
        """The ledger's file unless KHATM_DATABASE_URL says otherwise."""
        return self.path.absolute() / "ledger.db"

    @property
    def has_sealing_key(self) -> bool:
        """Whether secrets can be opened without making a new key."""
        return bool(self._passphrase or self._passphrase_file) or self.master_key_path.exists()

    def folder(self, name: str = "") -> Path:
        """Return the home, or a folder inside it, made private (0700) if it was not there.

        Raises LedgerNoAccess.
        """
        target = self.path / name if name else self.path
        try:
            for each in (self.path, target):
                each.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerNoAccess(place=str(target), reason=_plain_reason(error)) from None
        return target

    def custodian(self) -> "Custodian":
        """Return the custodian that seals keys and secrets; makes `master.key` (0600) when nothing else is set.

        Raises PassphraseFileUnreadable, PassphraseNotText, LedgerNoAccess.
        """
        if self._custodian is None:
            self._custodian = self._make_custodian()
        return self._custodian

    def _make_custodian(self) -> "Custodian":
        from khatm.stamp.custody import Custodian

        if self._passphrase:
            return Custodian.from_passphrase(_as_utf8(self._passphrase))
        if self._passphrase_file:
            return Custodian.from_passphrase(_first_line(Path(self._passphrase_file)))
        self._ensure_master_key()
        return Custodian.from_key_file(self.master_key_path)

    def _ensure_master_key(self) -> None:
        if self.master_key_path.exists():
            return
        folder = self.folder()
        aside = folder / f".master.key.{os.getpid()}.{secrets.token_hex(4)}"
        try:
            self.master_key_created = _write_once(aside, self.master_key_path)
        except OSError as error:
            raise LedgerNoAccess(place=str(self.master_key_path), reason=_plain_reason(error)) from None
        finally:
            aside.unlink(missing_ok=True)


def _write_once(aside: Path, target: Path) -> bool:
    """Put a random key where none is, and say whether it is ours.

    Written aside and linked into place: of several processes at first use exactly one link succeeds, and nobody reads
    half a key.
    """
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(32)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(aside, target)
    except FileExistsError:
        return False
    # What is sealed with this key is worth as much as the key: its name must survive a power cut too.
    sync_folder(target.parent)
    return True


def _first_line(path: Path) -> str:
    try:
        lines = _without_tilde(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PassphraseFileUnreadable(path=str(path), reason=_plain_reason(error)) from None
    if not lines or not lines[0]:
        raise PassphraseFileUnreadable(path=str(path), reason="its first line is empty")
    return lines[0]


def _as_utf8(passphrase: str) -> str:
    """Return the passphrase that the bytes in the environment spell in UTF-8, whatever the locale made of them."""
    try:
        return os.fsencode(passphrase).decode()
    except UnicodeError:
        raise PassphraseNotText from None


def _without_tilde(path: Path) -> Path:
    """Return a path with `~` put in full. Raises LedgerNoAccess for a user that does not exist."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise LedgerNoAccess(place=str(path), reason="there is no such home folder") from None


def _plain_reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else "it is not UTF-8 text"
