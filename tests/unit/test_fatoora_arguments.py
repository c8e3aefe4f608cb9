"""How `fatoora` reads its command line: spellings, every combination that the usage allows, refusals of the others."""

import itertools
from pathlib import Path

import pytest

from khatm.cli.fatoora_arguments import Usage, read_arguments, require
from tests.unit.fatoora_stage import run

COMMANDS = ("-csr", "-sign", "-invoiceRequest", "-generateHash", "-qr", "-validate")
ALLOWED = {
    "-csr": ("-csrConfig f", "-privateKey f", "-generatedCsr f", "-pem", "-sim", "-nonprod", "--json"),
    "-sign": (
        "-invoice f", "-signedInvoice f", "-sim", "-nonprod", "--json", "--jobs 2", "--out-dir d", "--cert f",
        "--key f", "--at t", "--config f", "--allow-utc", "--foreign-certificate",
    ),
    "-invoiceRequest": ("-invoice f", "-apiRequest f", "-sim", "-nonprod", "--json", "--jobs 2", "--out-dir d"),
    "-generateHash": ("-invoice f", "-sim", "-nonprod", "--json", "--jobs 2"),
    "-qr": ("-invoice f", "-sim", "-nonprod", "--json", "--jobs 2"),
    "-validate": (
        "-invoice f", "-sim", "-nonprod", "--json", "--jobs 2", "--cert f", "--pih f", "--edition 3.3.3", "--at t",
        "--config f", "--against-cert",
    ),
}  # fmt: skip
"""What belongs to each command: the SDK's readme, and our own options with two hyphens."""
NEEDED = {"-csr": "-csrConfig f"}
OPTIONS = sorted({option for options in ALLOWED.values() for option in options})
EXCLUDE = ({"-sim", "-nonprod"}, {"-signedInvoice f", "--out-dir d"}, {"-apiRequest f", "--out-dir d"})


def accepted(line: str) -> bool:
    try:
        require(read_arguments(line.split()))
    except Usage as error:
        assert "Supported: fatoora -csr -csrConfig FILE" in error.sentence("en")
        assert "المدعوم" in error.sentence("ar")
        return False
    return True


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "-csr -csrConfig unit.properties -pem -sim",
        "-sim -pem -csrConfig unit.properties -csr",
        "-CSR -CSRCONFIG unit.properties -Pem -SIM",
        "--csr --csrConfig unit.properties --pem --sim",
        "–csr –csrConfig unit.properties –pem –sim",
        "−csr —csrConfig unit.properties ‑pem ‐sim",
        "-csr -csrConfig –unit.properties -pem -sim",
        "-csr -csrConfig – unit.properties -pem -sim",
        "– -csr -csrConfig unit.properties - -pem -sim",
    ],
)
def test_the_same_line_in_many_spellings(line: str) -> None:
    expected = {"csr": "", "csrconfig": "unit.properties", "pem": "", "sim": ""}
    assert read_arguments(line.split()).given == expected


def test_a_file_whose_name_begins_with_a_dash_of_print_is_that_file() -> None:
    Path("–unit").touch()
    assert read_arguments(["-csrConfig", "–unit"]).given == {"csrconfig": "–unit"}


def test_many_invoices_behind_one_option_or_several() -> None:
    Path("-odd.xml").touch()
    line = ["-invoice", "a.xml", "folder", "-odd.xml", "-sign", "–invoice", "–b.xml", "--out-dir", "out"]
    arguments = read_arguments(line)
    assert arguments.invoices == ["a.xml", "folder", "-odd.xml", "b.xml"]
    assert arguments.commands == ["sign"]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_option_goes_with_its_commands_and_with_no_other(command: str) -> None:
    needed = NEEDED.get(command, "-invoice f")
    assert accepted(f"{command} {needed}")
    assert not accepted(command)
    for option in OPTIONS:
        line = f"{command} {needed} {option}" if option != needed else f"{command} {needed}"
        assert accepted(line) == (option in ALLOWED[command]), line


@pytest.mark.parametrize("command", COMMANDS)
def test_every_combination_of_a_commands_options(command: str) -> None:
    needed = NEEDED.get(command, "-invoice f")
    free = [option for option in ALLOWED[command] if option != needed]
    seen = 0
    for count in range(len(free) + 1):
        for chosen in itertools.combinations(free, count):
            line = " ".join([*chosen, command, needed])
            assert accepted(line) == (not any(each <= set(chosen) for each in EXCLUDE)), line
            seen += 1
    assert seen == 2 ** len(free)


def test_two_commands_go_together_where_signing_comes_first() -> None:
    for first, second in itertools.permutations(COMMANDS, 2):
        line = f"{first} {second} -invoice f"
        assert accepted(line) == ("-csr" not in (first, second) and "-sign" in (first, second)), line
    assert accepted("-sign -invoice f -signedInvoice s -invoiceRequest -apiRequest r -validate -qr -generateHash")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("-sing -invoice x.xml", "'-sing' is not understood"),
        ("-csr -csrConfig", "-csrConfig needs a file name"),
        ("-csr -csrConfig -pem", "-csrConfig needs a file name"),
        ("-csr -csrConfig a -csrConfig b", "-csrConfig is given twice"),
        ("-csr", "failed to generate csr [Mandatory input '-csrConfig' is missing]"),
        ("-sign", "failed to sign invoice [Mandatory input '-invoice' is missing]"),
        ("-qr", "failed to generate qr [Mandatory input '-invoice' is missing]"),
        ("-generateHash", "failed to generate hash [Mandatory input '-invoice' is missing]"),
        ("-invoiceRequest", "failed to generate invoice request [Mandatory input '-invoice' is missing]"),
        ("-validate", "failed to validate invoice [Mandatory input '-invoice' is missing]"),
        ("-csrConfig a", "No command"),
        ("-csr -csrConfig a -sim -nonprod", "exclude each other"),
        ("-csr a", "'a' is not understood"),
        ("-sign -invoice a -privateKey k", "-privateKey belongs to -csr, not to -sign"),
        ("-validate -invoice a --jobs", "--jobs needs N"),
        ("-validate -invoice a -wrong", "'-wrong' is not understood"),
        ("-hash -invoice a", "'-hash' is not understood"),
    ],
)
def test_usage_errors_name_what_is_supported(line: str, said: str) -> None:
    ran = run(*line.split())
    assert ran.code == 2
    assert said in ran.err
    assert "Supported: fatoora -csr -csrConfig FILE" in ran.err
    assert ran.out == ""
    assert list(Path().iterdir()) == []
