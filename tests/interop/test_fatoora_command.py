"""What `fatoora -sign` writes, read by someone else's re-implementation of the SDK's checks: fatoora-rs 0.3.0."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fatoora", reason="fatoora-rs has no wheel for this platform")

import fatoora

from tests.stamp_vectors import FOLDER
from tests.unit.fatoora_stage import run, sdk_folder

OWN = sorted(path for path in (FOLDER / "unsigned").iterdir() if path.stem != "long-name")
"""The seller's name of the other one is too long for fatoora-rs, which reads the QR code's lengths as one octet."""


def checked(path: Path) -> tuple[set[str], list[dict[str, Any]]]:
    """The stages that the other validator ran on signature and QR code, and what it found there."""
    with fatoora.Config() as config:
        report = fatoora.validate_zatca_invoice_from_str(config, path.read_bytes().decode())
    stages = [stage for stage in report["stages"] if stage["stage"] in ("signature", "qr")]
    ran = {stage["stage"] for stage in stages if stage["status"] == "completed"}
    return ran, [finding for stage in stages for finding in stage["findings"]]


def sign_and_check(path: Path, folder: Path) -> None:
    signed = folder / f"{path.stem}_signed.xml"
    ran = run("-sign", "-invoice", path, "--out-dir", folder, "--allow-utc", "--json")
    assert ran.code == 0, ran.out
    [record] = ran.records
    text = signed.read_bytes().decode()
    assert fatoora.invoice_hash_base64_from_xml_str(text) == record["invoice_hash"]
    stages, findings = checked(signed)
    assert findings == []
    assert stages == ({"signature", "qr"} if 'name="02' in text else set())


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_our_own_documents(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDK_CONFIG", str(sdk_folder(tmp_path / "sdk")))
    sign_and_check(path, tmp_path)


def test_the_official_samples(shared_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = shared_corpus / "official" / "keys"
    config = {"certPath": str(keys / "cert.pem"), "privateKeyPath": str(keys / "ec-secp256k1-priv-key.pem")}
    (tmp_path / "config.json").write_text(json.dumps(config))
    monkeypatch.setenv("SDK_CONFIG", str(tmp_path / "config.json"))
    official = shared_corpus / "official"
    folders = [official / "Standard", official / "Simplified", official / "sdk-3.4.8"]
    samples = [path for folder in folders for path in sorted(folder.rglob("*.xml"))]
    assert len(samples) == 26 + 19
    for number, path in enumerate(samples):
        sign_and_check(path, tmp_path / str(number))
