"""The stamp's vectors: our own beside the tests, and those over official files where these are at hand."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from tests.conftest import CORPUS

OWN = Path(__file__).resolve().parents[1] / "data" / "stamp"
WITHOUT_CORPUS = "the official samples (shared/corpus beside the checkout) are not on this machine"


@cache
def own() -> dict[str, Any]:
    """Our own vectors."""
    return dict(json.loads((OWN / "stamp.json").read_bytes()))


@cache
def everything() -> dict[str, Any]:
    """All vectors where the shared corpus is at hand, else our own."""
    shared = CORPUS / "vectors" / "stamp.json"
    return dict(json.loads(shared.read_bytes())) if shared.is_file() else own()


def has_corpus() -> bool:
    """Whether the official files are at hand."""
    return (CORPUS / "vectors" / "stamp.json").is_file()


def read(name: str) -> bytes:
    """The bytes of a file that an entry names."""
    if name.startswith("official/"):
        return (CORPUS / name).read_bytes()
    return (OWN / name.removeprefix("vectors/stamp/")).read_bytes()


def key(name: str) -> dict[str, Any]:
    """The named test key."""
    return next(each for each in everything()["keys"] if each["name"] == name)
