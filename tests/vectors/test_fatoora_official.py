"""Every command of `fatoora` on the official samples, configured as the SDK is: its key, certificate and pih.txt.

Hashes, identities and failing checks are those of the stamp's vectors; that the samples of an edition pass its rules is
what ZATCA ships them for. Source: the stamp standard, sections 6.2, 7, 9 and 13.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from khatm.stamp.verify import verify
from tests.corpus.test_validation import issue_moment
from tests.unit.fatoora_stage import run
from tests.vectors.entries import everything

GROUPS = ("sdk-3.3.3", "sdk-3.4.8", "sdk-3.2.0-inconsistent")
SAMPLES = [each for each in everything()["documents"] if each["group"] in GROUPS]
GOOD = [each for each in SAMPLES if not each["failing_checks"]]
EDITIONS = {"sdk-3.3.3": "3.3.3", "sdk-3.4.8": "3.4.8"}
IDS: Callable[[dict[str, Any]], str] = lambda each: f"{each['group']}-{Path(each['file']).stem}"  # noqa: E731
Sample = dict[str, Any]


@pytest.fixture(autouse=True)
def official(shared_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and SDK_CONFIG as the SDK's installer writes it."""
    folder = shared_corpus / "official"
    members = {
        "certPath": str(folder / "keys" / "cert.pem"),
        "privateKeyPath": str(folder / "keys" / "ec-secp256k1-priv-key.pem"),
        "pihPath": str(folder / "pih" / "pih.txt"),
    }
    (tmp_path / "config.json").write_text(json.dumps(members))
    monkeypatch.setenv("SDK_CONFIG", str(tmp_path / "config.json"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return shared_corpus


def embedded_qr(xml: bytes) -> str:
    reference = xml.partition(b"<cbc:ID>QR</cbc:ID>")[2]
    return reference.partition(b"EmbeddedDocumentBinaryObject")[2].partition(b">")[2].partition(b"<")[0].decode()


def test_every_sample_is_there() -> None:
    assert [sum(each["group"] == group for each in SAMPLES) for group in GROUPS] == [26, 19, 8]


@pytest.mark.parametrize("sample", SAMPLES, ids=IDS)
def test_hash(sample: Sample, official: Path, proven: Callable[[str], None]) -> None:
    ran = run("-generateHash", "-invoice", official / sample["file"])
    assert (ran.code, ran.err) == (0, "")
    assert ran.log[-1] == f"[INFO] HashGenerationService -  *** INVOICE HASH = {sample['invoice_hash']}"
    proven("fatoora -generateHash")


@pytest.mark.parametrize("sample", SAMPLES, ids=IDS)
def test_sign(sample: Sample, official: Path, proven: Callable[[str], None]) -> None:
    """The sample's own stamp is replaced; the hash stays, and every check of the standard holds."""
    path = official / sample["file"]
    ran = run("-sign", "-invoice", path, "-nonprod", "--allow-utc")
    assert (ran.code, ran.err) == (0, "")
    assert ran.log[-2:] == [
        "[INFO] InvoiceSigningService - invoice has been signed successfully",
        f"[INFO] InvoiceSigningService -  *** INVOICE HASH = {sample['invoice_hash']}",
    ]
    [signed] = Path().iterdir()
    assert signed.name == f"{path.stem}_signed.xml"
    verification = verify(signed.read_bytes())
    assert verification.failing == []
    assert verification.certificate is not None
    assert verification.certificate.text == (official / "official" / "keys" / "cert.pem").read_text()
    proven("fatoora -sign")


@pytest.mark.parametrize("sample", GOOD, ids=IDS)
def test_qr(sample: Sample, official: Path, proven: Callable[[str], None]) -> None:
    path = official / sample["file"]
    ran = run("-qr", "-invoice", path)
    assert (ran.code, ran.err) == (0, "")
    assert ran.log == [
        "[INFO] QrGenerationService - Qr has been generated successfully",
        f"[INFO] QrGenerationService -  *** QR code = {embedded_qr(path.read_bytes())}",
    ]
    proven("fatoora -qr")


@pytest.mark.parametrize("sample", SAMPLES, ids=IDS)
def test_request(sample: Sample, official: Path, proven: Callable[[str], None]) -> None:
    path = official / sample["file"]
    ran = run("-invoiceRequest", "-invoice", path, "-apiRequest", "request.json")
    assert (ran.code, ran.err) == (0, "")
    text = Path("request.json").read_text(encoding="ascii")
    body = json.loads(text)
    assert list(body) == ["invoiceHash", "uuid", "invoice"]
    assert "\n" not in text and ", " not in text and ": " not in text
    assert (body["invoiceHash"], body["uuid"]) == (sample["invoice_hash"], sample["uuid"])
    assert base64.b64decode(body["invoice"]) == path.read_bytes()
    proven("fatoora -invoiceRequest")


@pytest.mark.parametrize("sample", GOOD, ids=IDS)
def test_validate(sample: Sample, official: Path, proven: Callable[[str], None]) -> None:
    """The stages are those of the profile; the chain holds where the sample carries the value of pih.txt."""
    path = official / sample["file"]
    at = issue_moment(path.read_bytes()).isoformat()
    ran = run("-validate", "-invoice", path, "--at", at, "--edition", EDITIONS[sample["group"]])
    assert ran.err == ""
    results = {}
    for line in ran.log:
        if "] validation result : " in line:
            stage, _, result = line.partition(" - [")[2].partition("] validation result : ")
            results[stage] = result
    simplified = sample["type_name"].startswith("02")
    chained = sample["pih"] == (official / "official" / "pih" / "pih.txt").read_text().strip()
    rules = "_Error" not in path.name
    expected = {"XSD": "PASSED", "EN": results["EN"], "KSA": results["KSA"]}
    if rules:
        expected |= {"EN": "PASSED", "KSA": "PASSED"}
    if simplified:
        expected |= {"QR": "PASSED", "SIGNATURE": "PASSED"}
    expected["PIH"] = "PASSED" if chained else "FAILED"
    assert results == expected
    assert list(results) == [each for each in ("XSD", "EN", "KSA", "QR", "SIGNATURE", "PIH") if each in expected]
    passed = set(results.values()) == {"PASSED"}
    assert ran.code == (0 if passed else 1)
    assert ran.log[-1].endswith(f" *** GLOBAL VALIDATION RESULT = {'PASSED' if passed else 'FAILED'} ")
    if not rules:
        assert "FAILED" in (results["EN"], results["KSA"])
    proven("fatoora -validate")


@pytest.mark.parametrize(
    "sample", [each for each in SAMPLES if each["failing_checks"] and each["type_name"].startswith("02")], ids=IDS
)
def test_inconsistent_samples_fail(sample: Sample, official: Path) -> None:
    ran = run("-validate", "-invoice", official / sample["file"])
    assert ran.code == 1
    assert "[INFO] ValidationProcessorImpl - [SIGNATURE] validation result : FAILED" in ran.log
    codes = {line.partition("CODE : ")[2].partition(",")[0] for line in ran.log if "CODE : " in line}
    assert codes >= {"signatureValue", "invoiceSignedDataDigestValue", "hashedXml"}


@pytest.mark.parametrize(
    ("line", "said", "written"),
    [
        ("-generateHash -invoice IN", " *** INVOICE HASH = ", ()),
        ("-qr -invoice IN", " *** QR code = ", ()),
        ("-validate -invoice IN", " *** GLOBAL VALIDATION RESULT = PASSED ", ()),
        ("-sign -invoice IN", "invoice has been signed successfully", ("Simplified_Invoice_signed.xml",)),
        ("-sign -invoice IN -signedInvoice s.xml", "invoice has been signed successfully", ("s.xml",)),
        ("-invoiceRequest -invoice IN -apiRequest r.json", "invoice request has been generated", ("r.json",)),
        ("-sim -CSR -csrConfig CSR -privateKey k -generatedCsr c -pem", "csr and private key have been", ("c", "k")),
        ("-help", "-invoiceRequest", ()),
    ],
)
def test_each_command_as_a_process(line: str, said: str, written: tuple[str, ...], official: Path) -> None:
    sample = official / "official" / "sdk-3.4.8" / "Simplified" / "Invoice" / "Simplified_Invoice.xml"
    properties = official / "official" / "csr" / "csr-config-example-AR.properties"
    names = {"IN": str(sample), "CSR": str(properties)}
    command = [sys.executable, "-c", "from khatm.cli.fatoora import main; main()"]
    finished = subprocess.run(
        [*command, *(names.get(word, word) for word in line.split())],
        capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert (finished.returncode, finished.stderr) == (0, "")
    assert said in finished.stdout
    assert sorted(path.name for path in Path().iterdir()) == sorted(written)
