"""Where `fatoora` finds certificate, key and previous hash: options, environment, TOML, the SDK's own config.json.

Source: the stamp standard, section 13 (`SDK_CONFIG`, `FATOORA_HOME`, members of config.json, the folders below them).
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Final, NamedTuple

from khatm.cli.files import read_file
from khatm.errors import KhatmError, Language

_ENVIRONMENT: Final = "KHATM_FATOORA_"
_TOML: Final = "fatoora.toml"
_NAMES: Final = ("cert", "key", "pih", "edition", "jobs")
_PATHS: Final = frozenset({"cert", "key", "pih"})
_SDK_MEMBERS: Final = {"cert": "certPath", "key": "privateKeyPath", "pih": "pihPath"}
_SDK_FILES: Final = {
    "cert": Path("Data/Certificates/cert.pem"),
    "key": Path("Data/Certificates/ec-secp256k1-priv-key.pem"),
    "pih": Path("Data/PIH/pih.txt"),
}
_MAX_JOBS: Final = 64


@dataclass(eq=False)
class SettingMissing(KhatmError):
    """Neither the command line nor any configuration names a file that a command needs."""

    name: str
    member: str

    code: ClassVar[str] = "setting-missing"
    en: ClassVar[str] = (
        "no file is configured for {name}. Give --{name} FILE, set KHATM_FATOORA_{name_upper}, write {name} = "
        '"FILE" into fatoora.toml, or let SDK_CONFIG name the SDK\'s config.json with {member}.'
    )
    ar: ClassVar[str] = (
        "لم يُحدَّد ملف للإعداد {name}. استعمل ‎--{name} FILE‎ أو KHATM_FATOORA_{name_upper} أو السطر {name} في "
        "fatoora.toml، أو اجعل SDK_CONFIG يشير إلى config.json الخاص بحزمة SDK وفيه {member}."
    )

    def sentence(self, language: Language = "en") -> str:
        """Return where the file can be named."""
        template = self.ar if language == "ar" else self.en
        return template.format(name=self.name, member=self.member, name_upper=self.name.upper())


@dataclass(eq=False)
class UnusableConfiguration(KhatmError):
    """A configuration file that is no TOML or JSON, or holds what cannot be meant."""

    path: str
    found: str
    allowed: str

    code: ClassVar[str] = "unusable-configuration"
    en: ClassVar[str] = "{path} cannot be used: {found}. Allowed: {allowed}."
    ar: ClassVar[str] = "تعذّر استعمال {path}: {found}. المسموح: {allowed}."


class _Source(NamedTuple):
    """One place that settings come from; `label` says so to people, or is empty where they wrote it just now."""

    label: str
    values: Mapping[str, str]


class Settings:
    """The settings of one run; files are read only when a setting is asked for that no earlier place has.

    `told` fills with sentences about configuration that was found and used.
    """

    def __init__(self, options: Mapping[str, str], environ: Mapping[str, str] | None = None) -> None:
        self._options = options
        self._environ = os.environ if environ is None else environ
        self.told: list[str] = []

    def file(self, name: str) -> Path:
        """Return the file named `cert`, `key` or `pih`. Raises SettingMissing."""
        found = self.find(name)
        if found is None:
            raise SettingMissing(name, _SDK_MEMBERS[name])
        return Path(found)

    def find(self, name: str) -> str | None:
        """Return a setting's text from the first place that has it. Raises UnusableConfiguration, FileUnreadable."""
        for source in self._sources(name):
            value = source.values.get(name)
            if value:
                if source.label:
                    self.told.append(f"{name} from {source.label}: {value}")
                return value
        return None

    def jobs(self) -> int | None:
        """Return the number of processes, None for one on each core. Raises UnusableConfiguration."""
        text = self.find("jobs")
        if text is None:
            return None
        if not text.isascii() or not text.isdigit() or not 0 < int(text[:4]) <= _MAX_JOBS:
            raise UnusableConfiguration("jobs", repr(text), f"a number from 1 to {_MAX_JOBS}")
        return int(text)

    def previous_hash(self) -> str | None:
        """Return the text of the file with the previous invoice hash, None where none is configured."""
        found = self.find("pih")
        if found is None:
            return None
        text = read_file(Path(found), max_bytes=4096).decode("utf-8-sig", "replace").strip()
        if not text:
            raise UnusableConfiguration(found, "it is empty", "the previous invoice hash in base64")
        return text

    def _sources(self, name: str) -> Iterator[_Source]:
        yield _Source("", self._options)
        yield _Source("", {name: self._environ.get(_ENVIRONMENT + name.upper(), "")})
        yield self._toml
        if name in _SDK_MEMBERS:
            yield self._sdk_config
            yield self._sdk_files

    @cached_property
    def _toml(self) -> _Source:
        named = self._options.get("config") or self._environ.get(_ENVIRONMENT + "CONFIG")
        path = Path(named or _TOML)
        return _Source(str(path), read_toml(path) if named or path.is_file() else {})

    @cached_property
    def _sdk_config(self) -> _Source:
        places = [folder / "Configuration" / "config.json" for folder in self._sdk_folders()]
        named = self._environ.get("SDK_CONFIG")
        path = Path(named) if named else next((path for path in places if path.is_file()), None)
        return _Source(f"the SDK's {path}", {} if path is None else read_sdk_config(path))

    @cached_property
    def _sdk_files(self) -> _Source:
        values = {}
        for name, below in _SDK_FILES.items():
            places = (folder / below for folder in (*self._sdk_folders(), Path()))
            values[name] = str(next((path for path in places if path.is_file()), ""))
        return _Source("the SDK's folders", values)

    def _sdk_folders(self) -> list[Path]:
        """The launcher lies in Apps below the SDK's folder; one published installer names that folder itself."""
        home = self._environ.get("FATOORA_HOME")
        return [Path(home).absolute().parent, Path(home).absolute()] if home else []


def read_toml(path: Path) -> dict[str, str]:
    """Read `fatoora.toml`: names of files are relative to its folder. Raises UnusableConfiguration, FileUnreadable."""
    import tomllib

    try:
        table = tomllib.loads(read_file(path, max_bytes=1 << 20).decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UnusableConfiguration(str(path), str(error), "TOML in UTF-8") from None
    values = {}
    for name, value in table.items():
        if name not in _NAMES or type(value) is not (int if name == "jobs" else str):
            allowed = 'cert, key, pih and edition as "text", jobs as a number'
            raise UnusableConfiguration(str(path), f"{name} = {value!r}", allowed)
        values[name] = str(path.parent / str(value)) if name in _PATHS else str(value)
    return values


def read_sdk_config(path: Path) -> dict[str, str]:
    """Read what concerns us of the SDK's config.json. Raises UnusableConfiguration, FileUnreadable.

    Its paths are absolute, as the SDK's installer writes them; a relative one is looked for beside the file first.
    """
    import json

    try:
        members = json.loads(read_file(path, max_bytes=1 << 20).decode("utf-8-sig"))
    except ValueError:
        raise UnusableConfiguration(str(path), "it is no JSON in UTF-8", "the SDK's config.json") from None
    values = {}
    for name, member in _SDK_MEMBERS.items():
        value = members.get(member, "") if isinstance(members, dict) else None
        if not isinstance(value, str):
            raise UnusableConfiguration(str(path), f"{member} is no text", "an object with paths as text")
        if value:
            beside = path.parent / value
            values[name] = str(beside if beside.is_file() else Path(value))
    return values
