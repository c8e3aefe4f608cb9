"""Where `fatoora` finds key, certificate and previous hash, and which place wins. Source: stamp standard 13."""

import json
from pathlib import Path

import pytest

from khatm.cli.fatoora_settings import SettingMissing, Settings, UnusableConfiguration
from khatm.stamp.verify import verify
from tests.stamp_vectors import file
from tests.unit.fatoora_stage import AT, FIRST_PIH, SIGNED, UNSIGNED, run, sdk_folder
from tests.vectors.entries import key, own


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


def test_the_order_of_the_places(tmp_path: Path) -> None:
    config = sdk_folder(tmp_path / "sdk")
    Path("fatoora.toml").write_text('cert = "from-toml"\n')
    environ = {"SDK_CONFIG": str(config), "KHATM_FATOORA_CERT": "from-environment"}
    assert Settings({"cert": "given"}, environ).file("cert") == Path("given")
    assert Settings({}, environ).file("cert") == Path("from-environment")
    del environ["KHATM_FATOORA_CERT"]
    assert Settings({}, environ).file("cert") == Path("from-toml")
    Path("fatoora.toml").unlink()
    settings = Settings({}, environ)
    certificate = tmp_path / "sdk" / "Data" / "Certificates" / "cert.pem"
    assert settings.file("cert") == certificate
    assert settings.told == [f"cert from the SDK's {config}: {certificate}"]


@pytest.mark.parametrize("home", ["Apps", "."])
def test_config_json_is_found_beside_the_launcher(tmp_path: Path, home: str) -> None:
    config = sdk_folder(tmp_path / "sdk")
    settings = Settings({}, {"FATOORA_HOME": str(tmp_path / "sdk" / home)})
    assert settings.file("key").name == "ec-secp256k1-priv-key.pem"
    assert str(config) in settings.told[0]


def test_the_sdks_folders_are_enough_without_its_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sdk_folder(tmp_path / "sdk").unlink()
    settings = Settings({}, {"FATOORA_HOME": str(tmp_path / "sdk" / "Apps")})
    assert settings.file("pih") == tmp_path / "sdk" / "Data" / "PIH" / "pih.txt"
    assert settings.previous_hash() == FIRST_PIH
    monkeypatch.chdir(tmp_path / "sdk")
    assert Settings({}, {}).file("pih") == Path("Data/PIH/pih.txt")


def test_what_nothing_needs_is_never_read() -> None:
    """A broken configuration stops no command that does not need it."""
    settings = Settings({"cert": "given"}, {"SDK_CONFIG": "no-such-file.json"})
    assert settings.file("cert") == Path("given")
    assert (settings.find("edition"), settings.jobs()) == (None, None)
    Path("fatoora.toml").write_text("broken [")
    assert run("-generateHash", "-invoice", SIGNED).code == 0


def test_nothing_configured_names_every_way() -> None:
    with pytest.raises(SettingMissing) as caught:
        Settings({}, {}).file("key")
    for words in ("--key FILE", "KHATM_FATOORA_KEY", "fatoora.toml", "SDK_CONFIG", "privateKeyPath"):
        assert words in caught.value.sentence("en")
    assert "KHATM_FATOORA_KEY" in caught.value.sentence("ar")
    assert Settings({}, {}).previous_hash() is None
    assert Settings({}, {}).jobs() is None
    ran = run("-sign", "-invoice", UNSIGNED)
    assert ran.code == 2
    assert ran.log[-1].startswith("[ERROR] InvoiceSigningService - failed to sign invoice [no file is configured")


def test_toml_names_files_beside_itself(tmp_path: Path) -> None:
    folder = tmp_path / "configured"
    folder.mkdir()
    (folder / "c.der").write_bytes(file("certificates/own-pcsid-en.der"))
    (folder / "k.pem").write_text(key("egs")["sec1_pem"])
    (folder / "my.toml").write_text('cert = "c.der"\nkey = "k.pem"\njobs = 2\nedition = "3.3.3"\n')
    assert run("-sign", "-invoice", UNSIGNED, "--config", folder / "my.toml", "--at", AT).code == 0
    assert Path("simplified-invoice_signed.xml").read_bytes() == Path(SIGNED).read_bytes()
    settings = Settings({}, {"KHATM_FATOORA_CONFIG": str(folder / "my.toml")})
    assert (settings.jobs(), settings.find("edition")) == (2, "3.3.3")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('certificate = "c"\n', "certificate = 'c'"),
        ("cert = 1\n", "cert = 1"),
        ("jobs = true\n", "jobs = True"),
        ('jobs = "2"\n', "jobs = '2'"),
        ("cert = \n", "TOML in UTF-8"),
        ("jobs = 0\n", "a number from 1 to 64"),
        ("jobs = 65\n", "a number from 1 to 64"),
    ],
)
def test_toml_that_cannot_be_meant_is_refused(text: str, said: str) -> None:
    Path("fatoora.toml").write_text(text)
    with pytest.raises(UnusableConfiguration) as caught:
        Settings({}, {}).jobs()
    assert said in caught.value.sentence("en")
    assert "المسموح" in caught.value.sentence("ar")


@pytest.mark.parametrize("text", ["{", "[]", '{"certPath": 1}'])
def test_a_broken_config_json_is_one_line(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("config.json").write_text(text)
    monkeypatch.setenv("SDK_CONFIG", "config.json")
    ran = run("-sign", "-invoice", UNSIGNED)
    assert ran.code == 2
    assert len(ran.log) == 1
    assert "failed to sign invoice [config.json cannot be used: " in ran.log[0]


def test_relative_paths_in_config_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the file where they are there, else as the working directory has it."""
    config = sdk_folder(tmp_path / "sdk")
    members = {
        "certPath": "../Data/Certificates/cert.pem",
        "privateKeyPath": "here.key",
        "pihPath": "../Data/PIH/pih.txt",
    }
    config.write_text(json.dumps(members))
    Path("here.key").write_text(key("egs")["sec1_der_base64"])
    monkeypatch.setenv("SDK_CONFIG", str(config))
    assert run("-sign", "-validate", "-invoice", UNSIGNED, "--at", AT).code == 0


@pytest.mark.parametrize("content", ["", "\ufeff \r\n"])
def test_an_empty_pih_file_is_refused(content: str) -> None:
    Path("pih.txt").write_text(content, encoding="utf-8")
    ran = run("-validate", "-invoice", SIGNED, "--pih", "pih.txt")
    assert ran.code == 2
    assert "pih.txt cannot be used: it is empty" in ran.log[-1]


def test_a_pih_file_with_a_byte_order_mark_and_a_line_end_is_read() -> None:
    Path("pih.txt").write_text(f"\ufeff{FIRST_PIH}\r\n", encoding="utf-8")
    assert run("-validate", "-invoice", SIGNED, "--pih", "pih.txt", "--at", AT).code == 0


@pytest.mark.parametrize("number", range(len(own()["key_files"]["forms"])))
def test_every_form_of_key_file_signs(number: int) -> None:
    """PEM or not, SEC1 or PKCS#8: the SDK takes only the bare ones."""
    form = own()["key_files"]["forms"][number]
    Path("unit.key").write_bytes(form["text"].encode())
    Path("c.der").write_bytes(file("certificates/own-pcsid-en.der"))
    line = ["-sign", "-invoice", UNSIGNED, "--cert", "c.der", "--key", "unit.key", "--at", AT]
    assert own()["key_files"]["key"] == "egs"
    assert run(*line).code == 0
    assert Path("simplified-invoice_signed.xml").read_bytes() == Path(SIGNED).read_bytes()


def test_another_key_than_the_certificates_ends_the_run() -> None:
    Path("c.der").write_bytes(file("certificates/own-pcsid-en.der"))
    Path("other.key").write_text(key("egs-2")["sec1_der_base64"])
    line = ["-sign", "-invoice", UNSIGNED, "--cert", "c.der", "--key", "other.key"]
    ran = run(*line)
    assert ran.code == 2
    assert "failed to sign invoice [" in ran.log[-1]
    assert key("egs-2")["sec1_der_base64"] not in ran.out
    assert not Path("simplified-invoice_signed.xml").exists()
    assert run(*line, "--foreign-certificate").code == 0
    assert verify(Path("simplified-invoice_signed.xml").read_bytes()).failing == ["signature_value"]
