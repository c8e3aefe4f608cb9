"""What every test stands on: the loopback guard, the official corpus when it is there, and a clean environment."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgresql

GUARD = Path(__file__).parent / "guard"
CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"

if "sitecustomize" not in sys.modules or not hasattr(sys.modules["sitecustomize"], "_guard"):
    import runpy

    runpy.run_path(str(GUARD / "sitecustomize.py"))

# Children inherit the guard through the module search path, and nothing of the user's own settings.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(GUARD), os.environ.get("PYTHONPATH", "")]))
_POSTGRESQL = os.environ.get(postgresql.VARIABLE)
for _name in [name for name in os.environ if name.startswith(("KHATM_", "FATOORA_", "SDK_CONFIG"))]:
    if _name != "KHATM_RANDOM_DOCUMENTS":
        del os.environ[_name]
for _name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
    os.environ.pop(_name, None)


@pytest.fixture(scope="session")
def shared_corpus() -> Path:
    """The folder of official samples and vectors that stands beside the checkout where the maintainers build."""
    if not CORPUS.is_dir():
        pytest.skip("the official samples (shared/corpus beside the checkout) are not on this machine")
    return CORPUS


@pytest.fixture
def khatm_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh KHATM_HOME for one test."""
    home = tmp_path / "khatm-home"
    monkeypatch.setenv("KHATM_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.Server]:
    """One PostgreSQL server for all the tests of this process."""
    with postgresql.server(_POSTGRESQL) as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql_server: postgresql.Server) -> Iterator[str]:
    """The address of an empty database for one test."""
    with postgresql_server.database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def either_store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Run a test once over each kind of store: homes below `tmp_path` keep their ledgers in it (`ledger_stage`)."""
    if request.param == "postgresql":
        (tmp_path / "postgresql.url").write_text(request.getfixturevalue("postgresql_url"), encoding="utf-8")
    return str(request.param)
