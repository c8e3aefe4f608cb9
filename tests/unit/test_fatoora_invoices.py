"""`fatoora` on invoices: transcripts word for word, files, exit codes. Source: stamp standard 6.2, 7 and 13.

The expected hashes, QR codes, bytes and failing checks are those of the stamp's vectors; the words are the SDK's.
"""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from khatm.stamp.verify import verify
from tests.stamp_vectors import FOLDER, VectorDocument, documents, file, vectors
from tests.unit.fatoora_stage import AT, SIGNED, STANDARD, TIME, UNSIGNED, run, sdk_folder

HASH = "U9JVM4FJtdRGgFFgGn7NGUQNtOWPn/L7zS/2vzpezo4="
OK = "invoice has been signed successfully"
PASSED = [
    "[INFO] ValidationProcessorImpl - [XSD] validation result : PASSED",
    "[INFO] ValidationProcessorImpl - [EN] validation result : PASSED",
    "[INFO] ValidationProcessorImpl - [KSA] validation result : PASSED",
    "[INFO] ValidationProcessorImpl - [QR] validation result : PASSED",
    "[INFO] ValidationProcessorImpl - [SIGNATURE] validation result : PASSED",
    "[INFO] ValidationProcessorImpl - [PIH] validation result : PASSED",
    "[INFO] InvoiceValidationService -  *** GLOBAL VALIDATION RESULT = PASSED ",
]
CODES = {
    "certificate_readable": "certificate", "certificate_single_line": "certificate",
    "signature_value": "signatureValue", "invoice_digest": "invoiceSignedDataDigestValue",
    "signed_properties_digest": "xadesSignedPropertiesDigestValue",
    "certificate_digest": "signingCertificateDigestValue", "issuer_name": "X509IssuerName",
    "serial_number": "X509SerialNumber",
    "qr_1": "sellerName", "qr_3": "timestamp", "qr_5": "vatTotal", "qr_6": "hashedXml", "qr_8": "publicKey",
    "qr_9": "certificate signature", "qr_tlv": "QRCODE_INVALID",
}  # fmt: skip
"""The SDK's code for each check of the stamp standard, sections 6.1 and 6.2."""


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and an SDK's folder elsewhere that SDK_CONFIG names."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    config = sdk_folder(tmp_path / "sdk")
    monkeypatch.setenv("SDK_CONFIG", str(config))
    return config


def used(config: Path, *members: str) -> list[str]:
    given = json.loads(config.read_text())
    names = {"cert": "certPath", "key": "privateKeyPath", "pih": "pihPath"}
    return [f"[INFO] Configuration - {each} from the SDK's {config}: {given[names[each]]}" for each in members]


def here() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def test_hash() -> None:
    for name in (UNSIGNED, SIGNED):
        ran = run("-generateHash", "-invoice", name)
        assert (ran.code, ran.err) == (0, "")
        assert ran.log == [
            "[INFO] HashGenerationService - invoice hash has been generated successfully",
            f"[INFO] HashGenerationService -  *** INVOICE HASH = {HASH}",
        ]
    assert here() == []


def test_sign_gives_the_vectors_bytes(config: Path) -> None:
    ran = run("-sign", "-invoice", UNSIGNED, "--at", AT)
    assert (ran.code, ran.err) == (0, "")
    assert ran.log == [
        *used(config, "cert", "key"),
        f"[INFO] InvoiceSigningService - {OK}",
        f"[INFO] InvoiceSigningService -  *** INVOICE HASH = {HASH}",
    ]
    assert here() == ["simplified-invoice_signed.xml"]
    assert Path("simplified-invoice_signed.xml").read_bytes() == Path(SIGNED).read_bytes()


def test_sign_into_a_named_file_with_a_file_name_that_begins_with_a_dash_of_print() -> None:
    assert run("–SIGN", "–Invoice", UNSIGNED, "–SignedInvoice", "–out.xml", "--at", AT).code == 0
    assert Path("out.xml").read_bytes() == Path(SIGNED).read_bytes()


def test_sign_makes_the_request_from_the_stamped_document_and_validates_it(config: Path) -> None:
    line = ["-sign", "-qr", "-invoice", UNSIGNED, "-signedInvoice", "s.xml", "-invoiceRequest", "-apiRequest", "r.json"]
    ran = run(*line, "-validate", "--at", AT)
    assert ran.code == 0
    assert ran.log == [
        *used(config, "cert", "key", "pih"),
        f"[INFO] InvoiceSigningService - {OK}",
        f"[INFO] InvoiceSigningService -  *** INVOICE HASH = {HASH}",
        "[INFO] InvoiceRequestGenerationService - invoice request has been generated successfully",
        *PASSED,
    ]
    assert here() == ["r.json", "s.xml"]
    assert_request(Path("r.json"))


def assert_request(path: Path) -> None:
    """The body of the vectors, by its digest."""
    import hashlib

    expected = vectors()["invoice_request"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == expected["text_sha256"]
    assert list(json.loads(path.read_bytes())) == ["invoiceHash", "uuid", "invoice"]


def test_request_under_the_sdks_name_and_never_over_another() -> None:
    for _ in range(2):
        ran = run("-invoiceRequest", "-invoice", SIGNED)
        assert (ran.code, ran.err) == (0, "")
        assert ran.log == ["[INFO] InvoiceRequestGenerationService - invoice request has been generated successfully"]
    names = ["generated-json-request-20260115130009-2.json", "generated-json-request-20260115130009.json"]
    assert here() == names
    for name in names:
        assert_request(Path(name))


def test_request_of_an_unstamped_document_has_its_hash() -> None:
    assert run("-invoiceRequest", "-invoice", UNSIGNED, "-apiRequest", "r.json").code == 0
    assert json.loads(Path("r.json").read_bytes())["invoiceHash"] == HASH


def embedded_qr(name: str) -> str:
    return file(name).partition(b"<cbc:ID>QR</cbc:ID>")[2].partition(b'"text/plain">')[2].partition(b"<")[0].decode()


def test_qr_of_a_good_document_is_its_own() -> None:
    ran = run("-qr", "-invoice", SIGNED)
    assert (ran.code, ran.err) == (0, "")
    assert ran.log == [
        "[INFO] QrGenerationService - Qr has been generated successfully",
        f"[INFO] QrGenerationService -  *** QR code = {embedded_qr('signed/simplified-invoice.xml')}",
    ]


@pytest.mark.parametrize(
    "name", ["qr-1", "qr-2", "qr-3", "qr-4", "qr-5", "qr-6", "qr-7-raw", "qr-8-point", "qr-9-other", "qr-9-missing"]
)
def test_qr_of_a_document_with_another_code_is_the_one_that_fits(name: str) -> None:
    """Only the code was changed, so the one that fits is that of the good document."""
    ran = run("-qr", "-invoice", FOLDER / "mutated" / f"{name}.xml")
    assert ran.code == 0
    good = embedded_qr("signed/simplified-invoice.xml")
    assert ran.log[-1] == f"[INFO] QrGenerationService -  *** QR code = {good}"
    assert f"the document carries another QR code ({'_'.join(name.split('-')[:2])})" in ran.log[0]


@pytest.mark.parametrize("name", ["unsigned/simplified-invoice.xml", "unsigned/standard-invoice.xml"])
def test_qr_of_an_unstamped_document_is_refused_in_the_sdks_words(name: str) -> None:
    ran = run("-qr", "-invoice", FOLDER / name)
    assert ran.code == 1
    said = "failed to generate qr [unable to get signature from invoice]"
    assert ran.log == [f"[ERROR] QrGenerationService - {said}"]


def test_validate_a_good_document(config: Path) -> None:
    ran = run("-validate", "-invoice", SIGNED, "--at", AT)
    assert (ran.code, ran.err) == (0, "")
    assert ran.log == [*used(config, "pih"), *PASSED]
    assert here() == []


def test_validate_a_standard_document_says_nothing_of_qr_code_and_signature(tmp_path: Path) -> None:
    entry = next(each for each in vectors()["documents"] if each["file"].endswith("signed/standard-invoice.xml"))
    (tmp_path / "pih.txt").write_text(entry["pih"])
    ran = run("-validate", "-invoice", STANDARD, "--at", AT, "--pih", tmp_path / "pih.txt")
    assert ran.code == 0
    assert ran.log == [line for line in PASSED if "[QR]" not in line and "[SIGNATURE]" not in line]


def test_a_standard_document_with_a_wrong_stamp_passes_with_a_warning(tmp_path: Path) -> None:
    """As the SDK has it, which does not look at the stamp of standard documents."""
    entry = next(each for each in vectors()["documents"] if each["file"].endswith("signed/standard-invoice.xml"))
    good = Path(STANDARD).read_bytes()
    other = next(each["signature_value"] for each in vectors()["documents"] if each["file"].endswith("usd.xml"))
    Path("changed.xml").write_bytes(good.replace(entry["signature_value"].encode(), other.encode(), 1))
    (tmp_path / "pih.txt").write_text(entry["pih"])
    ran = run("-validate", "-invoice", "changed.xml", "--at", AT, "--pih", tmp_path / "pih.txt")
    assert ran.code == 0
    assert [line for line in ran.log if "[WARN]" not in line] == [
        line for line in PASSED if "[QR]" not in line and "[SIGNATURE]" not in line
    ]
    assert "[WARN] ValidationProcessorImpl - signature validation warnings : " in ran.log
    assert "[WARN] ValidationProcessorImpl - CODE : signatureValue, MESSAGE : wrong signature Value" in ran.log


def test_a_wrong_previous_hash_fails_with_the_sdks_code(tmp_path: Path) -> None:
    (tmp_path / "pih.txt").write_text(HASH)
    ran = run("-validate", "-invoice", SIGNED, "--at", AT, "--pih", tmp_path / "pih.txt")
    assert ran.code == 1
    assert ran.log[-4:] == [
        "[INFO] ValidationProcessorImpl - [PIH] validation result : FAILED",
        "[ERROR] ValidationProcessorImpl - pih validation errors : ",
        "[ERROR] ValidationProcessorImpl - CODE : KSA-13, MESSAGE : PIH is inValid",
        "[INFO] InvoiceValidationService -  *** GLOBAL VALIDATION RESULT = FAILED ",
    ]


def test_without_a_previous_hash_the_chain_is_said_not_to_be_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SDK_CONFIG")
    ran = run("-validate", "-invoice", SIGNED, "--at", AT)
    assert ran.code == 0
    assert "[WARN] ValidationProcessorImpl - [PIH] is not compared: no previous invoice hash" in ran.log[-2]
    assert ran.log[-1] == PASSED[-1]


def test_a_warning_leaves_the_stage_passed() -> None:
    """BR-KSA-98 a day later; heading and line as SDK 3.4.8 logs them."""
    ran = run("-validate", "-invoice", SIGNED, "--at", "2026-01-17T12:00:00+03:00")
    assert ran.code == 0
    at = ran.log.index("[INFO] ValidationProcessorImpl - [KSA] validation result : PASSED")
    assert ran.log[at + 1] == "[ERROR] ValidationProcessorImpl - ksa validation warnings : "
    assert ran.log[at + 2].startswith("[WARN] ValidationProcessorImpl - CODE : BR-KSA-98, MESSAGE : [BR-KSA-98]-")
    assert ran.log[-1] == PASSED[-1]


def test_an_older_edition_can_be_asked_for() -> None:
    ran = run("-validate", "-invoice", SIGNED, "--at", "2026-01-17T12:00:00+03:00", "--edition", "3.3.3")
    assert (ran.code, ran.log[1:]) == (0, PASSED)
    ran = run("-validate", "-invoice", SIGNED, "--edition", "9.9")
    assert ran.code == 2
    assert "failed to validate invoice - There is no rule edition '9.9'" in ran.log[-1]


@pytest.mark.parametrize(
    "document",
    [each for each in documents("mutated") if each.simplified and set(each.failing_checks) <= set(CODES)],
    ids=lambda each: each.name,
)
def test_a_broken_stamp_is_told_with_the_sdks_codes(document: VectorDocument) -> None:
    ran = run("-validate", "-invoice", FOLDER / document.path, "--at", AT)
    assert ran.code == (1 if document.failing_checks else 0)
    stage, told = "", set()
    for line in ran.log:
        if "validation errors" in line:
            stage = line.split()[3]
        elif "validation result" in line:
            stage = ""
        if stage in ("qr", "signature") and "CODE : " in line:
            told.add(line.partition("CODE : ")[2].partition(",")[0])
    assert told == {CODES[name] for name in document.failing_checks}


def test_a_schema_failure_is_one_finding_and_the_rules_go_on() -> None:
    Path("broken.xml").write_bytes(Path(SIGNED).read_bytes().replace(b"<cbc:UUID>", b"<cbc:Strange/><cbc:UUID>", 1))
    ran = run("-validate", "-invoice", "broken.xml", "--at", AT)
    assert ran.code == 1
    assert ran.log[1] == "[INFO] ValidationProcessorImpl - [XSD] validation result : FAILED"
    assert ran.log[2] == "[ERROR] ValidationProcessorImpl - xsd validation errors : "
    assert ran.log[3].startswith("[ERROR] ValidationProcessorImpl - CODE : SAXParseException, MESSAGE : Schema val")
    assert ran.log[4].startswith("[INFO] ValidationProcessorImpl - [EN] validation result : ")
    assert ran.log[-1] == "[INFO] InvoiceValidationService -  *** GLOBAL VALIDATION RESULT = FAILED "


def test_what_is_no_xml_fails_the_schema_stage() -> None:
    Path("no.xml").write_text("not XML")
    ran = run("-validate", "-invoice", "no.xml")
    assert ran.code == 1
    assert "[XSD] validation result : FAILED" in ran.log[1]
    assert len(ran.log) == 5
    assert ran.log[-1] == "[INFO] InvoiceValidationService -  *** GLOBAL VALIDATION RESULT = FAILED "


def test_the_configured_certificate_is_compared_if_asked(config: Path) -> None:
    """The SDK compares issuer and serial number with its own cert.pem, whatever the document embeds."""
    name = FOLDER / "signed" / "simplified-invoice.own-ccsid-en.xml"
    assert run("-validate", "-invoice", name, "--at", AT).code == 0
    ran = run("-validate", "-invoice", name, "--at", AT, "--against-cert")
    assert ran.code == 1
    codes = {line.partition("CODE : ")[2].partition(",")[0] for line in ran.log if "CODE" in line}
    assert codes == {"X509IssuerName", "X509SerialNumber"}


FAILURES: list[tuple[str, str]] = [
    ("-generateHash", "HashGenerationService - failed to generate hash ["),
    ("-qr", "QrGenerationService - failed to generate qr ["),
    ("-invoiceRequest", "InvoiceRequestGenerationService - failed to generate invoice request ["),
    ("-sign", "InvoiceSigningService - failed to sign invoice ["),
    ("-validate", "InvoiceValidationService - failed to validate invoice - "),
]


@pytest.mark.parametrize(("command", "words"), FAILURES)
def test_a_missing_file_is_said_in_the_sdks_words(command: str, words: str) -> None:
    ran = run(command, "-invoice", "none.xml")
    assert (ran.code, ran.err) == (2, "")
    said = f"[ERROR] {words}invoice file is not found: none.xml cannot be read: No such file or directory"
    assert ran.log[-1].startswith(said)
    assert here() == []


@pytest.mark.parametrize(("command", "words"), FAILURES[:4])
def test_what_is_no_invoice_is_one_line(command: str, words: str) -> None:
    Path("bad.xml").write_text("<a>")
    ran = run(command, "-invoice", "bad.xml")
    assert ran.code == 2
    assert ran.log[-1].startswith(f"[ERROR] {words}The XML")
    assert here() == ["bad.xml"]


def test_a_utc_issue_time_needs_consent() -> None:
    Path("late.xml").write_bytes(Path(UNSIGNED).read_bytes().replace(b"09:30:05", b"09:30:05Z"))
    ran = run("-sign", "-invoice", "late.xml")
    assert ran.code == 2
    assert "--allow-utc" in ran.log[-1]
    assert run("-sign", "-invoice", "late.xml", "--allow-utc").code == 0
    assert verify(Path("late_signed.xml").read_bytes()).failing == []


def test_json_has_one_record_for_each_command(config: Path) -> None:
    ran = run("-sign", "-invoiceRequest", "-validate", "-invoice", UNSIGNED, "--at", AT, "--json")
    assert ran.code == 0
    signed, request, validated = ran.records
    assert signed["command"] == "sign"
    assert (signed["ok"], signed["invoice_hash"], signed["out"]) == (True, HASH, "simplified-invoice_signed.xml")
    assert (request["command"], request["out"]) == ("invoiceRequest", "generated-json-request-20260115130009.json")
    assert (validated["command"], validated["result"], validated["valid"]) == ("validate", "PASSED", True)
    assert [stage["stage"] for stage in validated["stages"]][:3] == ["xml", "schema", "en16931"]
    assert f"cert from the SDK's {config}" in ran.err
    assert [each["command"] for each in run("-qr", "-invoice", SIGNED, "--json").records] == ["qr"]
    [record] = run("-generateHash", "-invoice", "none", "--json").records
    assert (record["command"], record["ok"], record["error"]) == ("generateHash", False, "file-unreadable")
    assert set(record["message"]) == {"en", "ar"}


def many(folder: Path) -> list[Path]:
    """Every unstamped document of the vectors, and one that cannot be read."""
    folder.mkdir()
    for path in sorted((FOLDER / "unsigned").iterdir()):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "a-bad.xml").write_text("<a/>")
    return sorted(folder.iterdir())


@pytest.mark.parametrize("jobs", [1, 2])
def test_folders_and_many_files(jobs: int) -> None:
    """Through the real command, so that the processes are made as they are for users."""
    files = many(Path("in"))
    program = [sys.executable, "-c", "from khatm.cli.fatoora import main; main()"]
    options = ["-sign", "-invoiceRequest", "-invoice", "in", "--out-dir", "out/deep", "--json", "--jobs", str(jobs)]
    finished = subprocess.run([*program, *options], capture_output=True, text=True, timeout=120, check=False)
    assert finished.returncode == 2
    records = [json.loads(line) for line in finished.stdout.splitlines()]
    assert [each["file"] for each in records if each["command"] == "sign"] == [str(path) for path in files]
    assert [each["ok"] for each in records].count(False) == 1
    for path in files[1:]:
        signed = Path("out/deep", f"{path.stem}_signed.xml")
        assert verify(signed.read_bytes()).failing == []
        body = json.loads(Path("out/deep", f"{path.stem}_request.json").read_bytes())
        assert body["invoiceHash"] == verify(signed.read_bytes()).invoice_hash
    assert "11 invoices: 10 passed, 1 failed" in finished.stderr


def test_the_log_of_many_names_each_and_counts() -> None:
    files = many(Path("in"))
    ran = run("-generateHash", "-invoice", "in", SIGNED, "empty-folder-that-is-none")
    assert ran.code == 2
    headings = [line.partition(" - ")[2] for line in ran.log if line.startswith("[INFO] Invoice - ")]
    assert headings == [*map(str, files), SIGNED, "empty-folder-that-is-none"]
    assert ran.log[-1] == "[INFO] Invoices - 13 invoices: 12 passed, 1 failed"
    Path("empty").mkdir()
    ran = run("-generateHash", "-invoice", "empty")
    assert (ran.code, len(ran.log)) == (2, 1)
    assert "empty is a folder without XML files" in ran.log[0]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["-sign", "-invoice", "a.xml", "b.xml", "-signedInvoice", "c.xml"], "-signedInvoice is for one invoice"),
        (["-invoiceRequest", "-invoice", "a.xml", "b.xml", "-apiRequest", "c"], "-apiRequest is for one invoice"),
        (["-sign", "-invoice", "a.xml", "-signedInvoice", "./a.xml"], "would be written over"),
        (["-sign", "-invoice", "a.xml", "deep/a.xml"], "a_signed.xml would be written over (from deep/a.xml)"),
        (["-sign", "-invoice", "a.xml", "--at", "soon"], "--at soon: an ISO 8601 time with a zone"),
        (["-sign", "-invoice", "a.xml", "--at", "0001-01-01T00:00:00+23:00"], "an ISO 8601 time with a zone"),
        (["-validate", "-invoice", "a.xml", "--jobs", "many"], "jobs cannot be used: 'many'"),
        (["-validate", "-invoice", "a.xml", "--jobs", "0"], "jobs cannot be used: '0'"),
    ],
)
def test_what_concerns_all_ends_the_run_before_anything_is_written(line: list[str], said: str) -> None:
    Path("deep").mkdir()
    for name in ("a.xml", "b.xml", "deep/a.xml"):
        Path(name).write_bytes(Path(UNSIGNED).read_bytes())
    before = Path("a.xml").read_bytes()
    ran = run(*line)
    assert ran.code == 2
    assert said in ran.log[-1] and "[ERROR]" in ran.log[-1]
    assert here() == ["a.xml", "b.xml", "deep"]
    assert Path("a.xml").read_bytes() == before


def test_runs_at_the_same_time_write_whole_files_under_names_of_their_own() -> None:
    program = [sys.executable, "-c", "from khatm.cli.fatoora import main; main()"]
    line = [*program, "-sign", "-invoiceRequest", "-invoice", UNSIGNED, "-signedInvoice", "same.xml"]

    def once(_: int) -> Any:
        return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)

    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(once, range(8)))
    assert [each.returncode for each in runs] == [0] * 8, runs
    requests = sorted(Path().glob("generated-json-request-*.json"))
    assert len(requests) == 8
    for path in requests:
        assert set(json.loads(path.read_bytes())) == {"invoiceHash", "uuid", "invoice"}
    assert verify(Path("same.xml").read_bytes()).failing == []
    assert here() == sorted(["same.xml", *(path.name for path in requests)])


def test_the_whole_transcript_begins_with_the_sdks_banner() -> None:
    lines = run("-generateHash", "-invoice", SIGNED).out.splitlines()
    assert lines[0].startswith("********** Welcome to ZATCA E-Invoice Java SDK 3.4.8 ")
    assert lines[0].endswith(" *********************")
    assert all(line.startswith(TIME) for line in lines[2:])


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is a Linux device")
def test_a_full_disk_under_standard_output_is_one_sentence() -> None:
    program = [sys.executable, "-c", "from khatm.cli.fatoora import main; main()"]
    with Path("/dev/full").open("w") as full:
        finished = subprocess.run(
            [*program, "-generateHash", "-invoice", SIGNED], stdout=full, stderr=subprocess.PIPE, text=True,
            timeout=60, check=False,
        )  # fmt: skip
    assert finished.returncode == 3
    assert finished.stderr.count("\n") == 1
    assert "Standard output cannot be written: No space left on device" in finished.stderr
