"""Bad input at the command line: each ends with its exit code and a sentence that names what is wrong, nothing lost."""

import errno
import http.server
import json
import resource
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.wire.cli_stage import EXAMPLES, Desk, Ran, ServedSimulator, served_simulator

DATA = Path(__file__).resolve().parents[1] / "data" / "stamp"
VAT_NUMBER = "366666666600003"


@pytest.fixture(scope="module")
def authority() -> Iterator[ServedSimulator]:
    with served_simulator() as served:
        yield served


@pytest.fixture
def desk(tmp_path: Path, authority: ServedSimulator) -> Desk:
    return Desk(tmp_path, {"KHATM_GATEWAY_URL": authority.gateway})


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, authority: ServedSimulator) -> Desk:
    """A desk with an onboarded till."""
    desk = Desk(tmp_path_factory.mktemp("live"), {"KHATM_GATEWAY_URL": authority.gateway})
    _add(desk)
    assert desk.khatm("unit", "onboard", "till", "--otp", authority.otp("simulation", VAT_NUMBER)).code == 0
    return desk


def _add(desk: Desk, **changes: str) -> Ran:
    path = desk.properties(VAT_NUMBER, "1100")
    lines = dict(line.split("=", 1) for line in path.read_text(encoding="utf-8").splitlines()) | changes
    path.write_text("".join(f"{key}={value}\n" for key, value in lines.items()), encoding="utf-8")
    seller = desk.seller(VAT_NUMBER)
    return desk.khatm("unit", "add", "till", "--csr", str(path), "--environment", "simulation", "--seller", str(seller))


def _refused(ran: Ran, code: int, *words: str) -> None:
    assert ran.code == code, ran.said
    for word in words:
        assert word in ran.err, (word, ran.err)


# The properties file


def test_missing_properties_file(desk: Desk) -> None:
    _refused(desk.khatm("unit", "add", "t", "--csr", "none.properties", "--environment", "simulation"), 2, "none.prop")


@pytest.mark.parametrize("encoding", ["utf-16", "cp1256"])
def test_properties_file_in_another_encoding(desk: Desk, encoding: str) -> None:
    path = desk.properties(VAT_NUMBER, "1100")
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    _refused(desk.khatm("unit", "add", "t", "--csr", str(path), "--environment", "simulation"), 2, "UTF-8")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("csr.common.name", ""),
        ("csr.serial.number", ""),
        ("csr.serial.number", "1-TST|2-TST"),
        ("csr.organization.identifier", ""),
        ("csr.organization.identifier", "39999999990000"),
        ("csr.organization.identifier", "299999999900003"),
        ("csr.organization.identifier", "399999999900002"),
        ("csr.organization.unit.name", ""),
        ("csr.organization.name", ""),
        ("csr.country.name", ""),
        ("csr.country.name", "S"),
        ("csr.invoice.type", ""),
        ("csr.invoice.type", "11"),
        ("csr.invoice.type", "0000"),
        ("csr.location.address", ""),
        ("csr.industry.business.category", ""),
    ],
)
def test_each_broken_csr_field_is_named(desk: Desk, key: str, value: str) -> None:
    ran = _add(desk, **{key: value})
    _refused(ran, 2, key)
    assert desk.khatm("unit", "list").out.startswith("no units yet")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"vat": ' + "9" * 5000 + "}", "address"),
        ('{"vat": "1", "vat": "2"}', "twice"),
        ('{"name": NaN}', "name"),
        ("not json", "no JSON"),
        (b"\xff\xfe", "UTF-8"),
        ("[]", "list"),
    ],
)
def test_a_seller_file_that_does_not_fit_is_named(desk: Desk, content: object, word: str) -> None:
    csr, seller = desk.properties(VAT_NUMBER, "1100"), desk.write("seller.json", content)
    arguments = ("--csr", str(csr), "--environment", "simulation", "--seller", str(seller))
    _refused(desk.khatm("unit", "add", "till", *arguments), 2, str(seller), word)


def test_a_seller_with_another_vat_number_is_refused_with_both(desk: Desk) -> None:
    csr, seller = desk.properties(VAT_NUMBER, "1100"), desk.seller("399999999900003")
    arguments = ("--csr", str(csr), "--environment", "simulation", "--seller", str(seller), "--format", "json")
    ran = desk.khatm("unit", "add", "till", *arguments)
    _refused(ran, 2, "vat", "399999999900003", VAT_NUMBER)
    (problem,) = ran.records[0]["facts"]["problems"]
    assert (problem["path"], problem["found"]) == ("vat", "399999999900003")


@pytest.mark.parametrize("name", ["", " ", "till ", "a\nb", "\x1b[31mtill", "\udcff"])
def test_a_name_that_cannot_be_kept_or_shown_is_refused(desk: Desk, name: str) -> None:
    csr = desk.properties(VAT_NUMBER, "1100")
    _refused(desk.khatm("unit", "add", "--csr", str(csr), "--environment", "simulation", "--", name), 2, "is no name")
    _refused(desk.khatm("unit", "show", "--", name), 2, "is no name")
    _refused(desk.khatm("submit", "--unit", name), 2, "is no name")
    document = desk.document("simplified", "invoice", "T1-NAME")
    _refused(desk.khatm("issue", str(document), "--unit", "till", "--reference", name), 2, "is no name")


def test_vat_group_needs_the_members_tin(desk: Desk) -> None:
    ran = _add(desk, **{"csr.organization.identifier": "366666666610003"})
    _refused(ran, 2, "csr.organization.unit.name")


# One-time passwords


def test_wrong_otp(desk: Desk, authority: ServedSimulator) -> None:
    assert _add(desk).code == 0
    right = authority.otp("simulation", VAT_NUMBER)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    _refused(desk.khatm("unit", "onboard", "till", "--otp", wrong), 1, "OTP")
    assert desk.khatm("unit", "onboard", "till", "--otp", right).code == 0  # nothing was lost


def test_used_otp(desk: Desk, authority: ServedSimulator) -> None:
    assert _add(desk).code == 0
    otp = authority.otp("simulation", VAT_NUMBER)
    assert desk.khatm("unit", "onboard", "till", "--otp", otp).code == 0
    _refused(desk.khatm("unit", "onboard", "till", "--otp", otp, "--anew"), 1, "OTP")
    [unit] = desk.khatm("unit", "show", "till", "--format", "json").records
    assert unit["live_generation"] == "G1"  # the live credentials stand


def test_expired_otp(desk: Desk) -> None:
    with served_simulator() as authority:
        desk.settings["KHATM_GATEWAY_URL"] = authority.gateway
        assert _add(desk).code == 0
        otp = authority.otp("simulation", VAT_NUMBER)
        authority.manage("POST", "/clock", {"advance_seconds": 61 * 60})
        _refused(desk.khatm("unit", "onboard", "till", "--otp", otp), 1, "OTP")


@pytest.mark.parametrize("otp", ["12345", "abcdef", "", "1234567"])
def test_text_that_cannot_be_an_otp_is_not_sent(desk: Desk, otp: str) -> None:
    assert _add(desk).code == 0
    _refused(desk.khatm("unit", "onboard", "till", "--otp", otp), 2, "OTP")


def test_no_terminal_no_prompt(desk: Desk) -> None:
    assert _add(desk).code == 0
    _refused(desk.khatm("unit", "onboard", "till"), 2, "--otp")


# The gateway


def test_a_sealing_key_is_spoken_of_once_even_when_the_command_fails(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"KHATM_GATEWAY_URL": "http://127.0.0.1:9"})
    _add(desk)
    first = desk.khatm("unit", "onboard", "till", "--otp", "12345")
    assert first.code == 2
    assert f"made {desk.home / 'master.key'}" in first.err
    assert "made " not in desk.khatm("unit", "onboard", "till", "--otp", "12345").err


def test_gateway_that_is_down_leaves_the_document_waiting(live: Desk) -> None:
    assert live.khatm("issue", str(live.document("simplified", "invoice", "down-1")), "--unit", "till").code == 0
    down = Desk(live.folder, {"KHATM_GATEWAY_URL": "http://127.0.0.1:9/e-invoicing"})
    sent = down.khatm("submit", "--format", "json")
    assert sent.code == 3, sent.said
    assert [record["state"] for record in sent.records] == ["waiting"]


@pytest.mark.parametrize("body", [b"<html><body>maintenance</body></html>", b""])
def test_gateway_that_answers_html_or_nothing_leaves_the_document_waiting(
    tmp_path: Path, authority: ServedSimulator, body: bytes
) -> None:
    desk = Desk(tmp_path, {"KHATM_GATEWAY_URL": authority.gateway})
    assert _add(desk).code == 0
    assert desk.khatm("unit", "onboard", "till", "--otp", authority.otp("simulation", VAT_NUMBER)).code == 0
    assert desk.khatm("issue", str(desk.document("standard", "invoice", "html-1")), "--unit", "till").code == 0
    with _answering(200, body) as url:
        desk.settings["KHATM_GATEWAY_URL"] = url
        sent = desk.khatm("submit", "--format", "json")
    assert sent.code == 3, sent.said
    assert [record["state"] for record in sent.records] == ["waiting"]


@pytest.mark.parametrize("url", ["http://gateway.example/e-invoicing", "ftp://127.0.0.1/x", "gateway", "https://u@h/"])
def test_gateway_address_that_is_not_https_or_loopback_is_refused(desk: Desk, url: str) -> None:
    path = desk.properties(VAT_NUMBER, "1100")
    ran = desk.khatm("unit", "add", "t", "--csr", str(path), "--environment", "simulation", "--gateway", url)
    assert ran.code == 2, ran.said
    live_unit = _add(desk)
    assert live_unit.code == 0
    desk.settings["KHATM_GATEWAY_URL"] = url
    assert desk.khatm("unit", "onboard", "till", "--otp", "123456").code == 2


# Documents


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda text: text.replace('"kind"', '"knid"'), "knid"),
        (lambda text: text.replace('"14"', "NaN"), "NaN"),
        (lambda text: text.replace('"14"', '"NaN"'), "price"),
        (lambda text: text.replace('"14"', "1e400"), "price"),
        (lambda text: text[:-20], "JSON"),
        (lambda text: "[]", "object"),
        (lambda text: text.replace('"number"', '"counter": 99, "number"'), "counter"),
        (lambda text: text.replace('"number"', '"uuid": "5d2c0f3a-7f0b-4a53-9a55-0c3a0e4f1a10", "number"'), "uuid"),
        (lambda text: text.replace('"kind"', '"seller": {"name": "x", "vat": "311111111100003"}, "kind"'), "seller"),
    ],
)
def test_document_that_does_not_fit_uses_up_no_counter(live: Desk, change: Callable[[str], str], word: str) -> None:
    before = live.khatm("unit", "show", "till", "--format", "json").records[0]["next_icv"]
    text = (EXAMPLES / "simplified-invoice.json").read_text(encoding="utf-8")
    path = live.write("broken.json", change(text))
    _refused(live.khatm("issue", str(path), "--unit", "till"), 2, word)
    assert live.khatm("unit", "show", "till", "--format", "json").records[0]["next_icv"] == before


def test_output_that_cannot_be_written_is_noticed_before_a_document_is_issued(live: Desk) -> None:
    path = live.document("simplified", "invoice", "T1-OUT-1")
    before = live.khatm("unit", "show", "till", "--format", "json").records[0]["next_icv"]
    _refused(live.khatm("issue", str(path), "--unit", "till", "--out", "missing/out.xml"), 2, "missing/out.xml")
    assert live.khatm("unit", "show", "till", "--format", "json").records[0]["next_icv"] == before


def test_a_document_that_is_issued_but_not_written_is_not_called_unissued(
    live: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = live.document("simplified", "invoice", "T1-OUT-2")
    arguments = ("issue", str(path), "--unit", "till", "--reference", "out-2", "--out", "out.xml")
    with monkeypatch.context() as patched:
        patched.setattr("khatm.cli.files.os.fsync", _disk_full)
        ran = live.khatm(*arguments)
    icv = live.khatm("unit", "show", "till", "--format", "json").records[0]["next_icv"] - 1
    _refused(ran, 3, "is issued", f"ICV {icv}", "out.xml")
    assert not (live.folder / "out.xml").exists()
    again = live.khatm(*arguments, "--format", "json")
    assert (again.code, again.records[0]["icv"], again.records[0]["repeated"]) == (0, icv, True)
    assert (live.folder / "out.xml").is_file()


def _disk_full(handle: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_document_in_another_encoding(live: Desk) -> None:
    text = (EXAMPLES / "simplified-invoice.json").read_text(encoding="utf-8")
    _refused(live.khatm("issue", str(live.write("b.json", text.encode("cp1256"))), "--unit", "till"), 2, "UTF-8")


DEEP = "<a>" * 10_000 + "</a>" * 10_000
BOMB = (
    '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">' for i in range(9))
    + "]><a>&j;</a>"
)


@pytest.mark.parametrize("command", ["hash", "qr", "request"])
@pytest.mark.parametrize(
    ("xml", "word"),
    [
        ('<!DOCTYPE Invoice SYSTEM "file:///etc/passwd"><Invoice/>', "DOCTYPE"),
        (BOMB, "DOCTYPE"),
        (DEEP, "deep"),
        ("<Invoice>", "XML"),
        ("", "empty"),
    ],
)
def test_hostile_xml_is_refused_by_name(desk: Desk, command: str, xml: str, word: str) -> None:
    ran = desk.khatm(command, str(desk.write("hostile.xml", xml)))
    assert ran.code == 2, ran.said
    assert word.lower() in ran.err.lower(), ran.err


def test_wrong_key_for_the_certificate(desk: Desk) -> None:
    from khatm.stamp.keys import generate_key, sec1_pem

    key = desk.write("key.pem", sec1_pem(generate_key()))
    certificate = DATA / "certificates" / "own-pcsid-en.der"
    invoice = DATA / "unsigned" / "simplified-invoice.xml"
    ran = desk.khatm("sign", "--cert", str(certificate), "--key", str(key), "--out", "signed.xml", str(invoice))
    assert ran.code == 2, ran.said
    assert "key" in ran.err and not (desk.folder / "signed.xml").exists()


# The disk


def test_read_only_database(live: Desk) -> None:
    reader = Desk(live.folder, {**live.settings, "KHATM_DATABASE_URL": f"sqlite:///{live.home / 'ledger.db'}?mode=ro"})
    before = reader.khatm("unit", "show", "till", "--format", "json").records
    ran = reader.khatm("issue", str(reader.document("simplified", "invoice", "ro-1")), "--unit", "till")
    assert ran.code in (2, 3), ran.said
    assert "read-only" in ran.err or "cannot be written" in ran.err, ran.err
    assert live.khatm("unit", "show", "till", "--format", "json").records == before


def test_full_disk(tmp_path: Path, authority: ServedSimulator) -> None:
    desk = Desk(tmp_path, {"KHATM_GATEWAY_URL": authority.gateway})
    assert _add(desk).code == 0
    assert desk.khatm("unit", "onboard", "till", "--otp", authority.otp("simulation", VAT_NUMBER)).code == 0
    content = json.loads(desk.document("simplified", "invoice", "full-1").read_text(encoding="utf-8"))
    document = str(desk.write("full.json", {**content, "lines": content["lines"] * 300}))  # larger than the disk is
    before = desk.khatm("unit", "show", "till", "--format", "json").records

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))

    ran = desk.khatm("issue", document, "--unit", "till", preexec_fn=small_files)
    assert ran.code in (2, 3), ran.said
    assert ran.err.startswith("error: "), ran.err
    assert desk.khatm("unit", "show", "till", "--format", "json").records == before
    assert desk.khatm("issue", document, "--unit", "till").code == 0


def test_secrets_are_not_in_the_ledger_file_or_in_what_was_said(live: Desk) -> None:
    database = sqlite3.connect(f"file:{live.home / 'ledger.db'}?mode=ro", uri=True)
    columns = [row[1] for row in database.execute("PRAGMA table_info(generation)")]
    database.close()
    assert columns  # the table is there, so what follows looks at the real file
    raw = b"".join(path.read_bytes() for path in live.home.glob("ledger.db*"))
    assert b"PRIVATE KEY" not in raw
    shown = live.khatm("unit", "show", "till", "--format", "json")
    assert "secret" not in shown.out


@contextmanager
def _answering(status: int, body: bytes) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            del format, arguments

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/e-invoicing"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
