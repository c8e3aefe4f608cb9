"""zatca-xml-js 0.1.9, a client for Node, installed from the npm registry as it is published.

Its host is fixed: the retired `gw-apic-gov.gazt.gov.sa`. Its axios (0.27) obeys HTTPS_PROXY by sending the whole
address to the proxy in the clear; without the variable it looks the name up and speaks TLS itself.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from khatm.clock import saudi_time

HERE = Path(__file__).parent / "zatca_xml_js"
HOSTS_ENTRY = HERE / "hosts_entry.js"


def installed() -> Path:
    """Return the `node_modules` folder with the client, made once per machine; skip where that cannot be done.

    Never skips where CI is true.
    """
    if not (shutil.which("node") and shutil.which("npm")):
        _give_up("node and npm are not on this machine")
    lock = (HERE / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "khatm-tests"
    folder = cache / f"zatca-xml-js-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(dir=cache))
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, making)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
        done = subprocess.run(command, cwd=making, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            shutil.rmtree(making)
            _give_up(f"npm could not install zatca-xml-js: {done.stderr[-2000:]}")
        try:
            making.rename(folder)
        except OSError:  # another process was quicker
            shutil.rmtree(making)
    return folder / "node_modules"


def _give_up(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def walk(vat_number: str, otp: str, folder: Path, environ: dict[str, str]) -> list[dict[str, Any]]:
    """Run the whole walk in a Node process with these variables, temporary files in `folder`; return its lines."""
    now = saudi_time(datetime.now(UTC))
    issued = {"date": now.strftime("%Y-%m-%d"), "time": now.strftime("%H:%M:%S")}
    facts = {"vatNumber": vat_number, "otp": otp, "uuid": str(uuid.uuid4()), "issued": issued}
    variables = {"PATH": os.environ["PATH"], "NODE_PATH": str(installed()), "TEMP_FOLDER": f"{folder}/", **environ}
    done = subprocess.run(
        ["node", str(HERE / "walk.js"), json.dumps(facts)],
        env=variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
