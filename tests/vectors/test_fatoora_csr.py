"""`fatoora -csr` as a process: each example property file gives the vectors' request for each template.

Source: the stamp standard, sections 1.4 and 1.5, vectors `csr`.
"""

import base64
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from khatm.stamp import keys
from khatm.stamp.csr import read_csr_file
from tests.vectors.entries import everything, key, read

SWITCHES = {"production": [], "simulation": ["-sim"], "sandbox": ["-nonprod"]}
ENTRIES = everything()["csr"]
IDS = [f"{Path(each['config']).stem}-{each['environment']}" for each in ENTRIES]


@pytest.mark.parametrize("entry", ENTRIES, ids=IDS)
def test_request_of_each_file_and_template(
    entry: dict[str, str], tmp_path: Path, proven: Callable[[str], None]
) -> None:
    """A new key is made on every run, so the vectors' public key is put in its place before comparing."""
    (tmp_path / "unit.properties").write_bytes(read(entry["config"]))
    pem = entry["environment"] == "simulation"
    arguments = ["-csr", "-csrConfig", "unit.properties", "-generatedCsr", "unit.csr", "-privateKey", "unit.key"]
    command = [sys.executable, "-c", "from khatm.cli.fatoora import main; main()", *arguments]
    finished = subprocess.run(
        [*command, *SWITCHES[entry["environment"]], *(["-pem"] if pem else [])],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "csr and private key have been generated successfully. " in finished.stdout
    csr_text, key_text = (tmp_path / "unit.csr").read_bytes(), (tmp_path / "unit.key").read_bytes()
    if pem:
        assert csr_text.startswith(b"-----BEGIN CERTIFICATE REQUEST-----\n")
        assert key_text.startswith(b"-----BEGIN EC PRIVATE KEY-----\n")
    else:
        assert b"\n" not in csr_text + key_text
        assert base64.b64decode(csr_text).endswith(b"-----END CERTIFICATE REQUEST-----\n")
        assert len(base64.b64decode(key_text)) == 118
    request, private = read_csr_file(csr_text), keys.load_key(key_text)
    point = keys.public_point(private)
    assert request.tbs.count(point) == 1
    expected = bytes.fromhex(key(entry["key"])["point_hex"])
    assert request.tbs.replace(point, expected).hex() == entry["tbs_hex"]
    private.public_key().verify(request.der[-_signature_size(request.der) :], request.tbs, ec.ECDSA(hashes.SHA256()))
    proven("fatoora -csr")


def _signature_size(der: bytes) -> int:
    """The DER signature is the last thing in a request: find its SEQUENCE by its length."""
    return next(size for size in range(60, 73) if der[-size] == 0x30 and der[1 - size] == size - 2)
