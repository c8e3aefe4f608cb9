"""What the doctor finds: a cause, the checks that it explains, how it is known, and where the bytes part."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from khatm.doctor import causes
from khatm.doctor.causes import Facts, Proof, Severity, Word
from khatm.doctor.difference import Difference
from khatm.errors import Language


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause. `checks` are names of the stamp standard's checks (6.1) that fail because of it."""

    code: str
    proof: Proof
    checks: tuple[str, ...] = ()
    facts: Facts = field(default_factory=dict)
    difference: Difference | None = None

    @property
    def severity(self) -> Severity:
        """How grave it is."""
        return causes.severity(self.code)

    @property
    def proven(self) -> bool:
        """Whether the cause is certain, not only what is left when everything known was tried."""
        return self.proof != "excluded"

    def cause(self, language: Language = "en") -> str:
        """Return what went wrong."""
        return causes.cause(self.code, self.facts, language)

    def fix(self, language: Language = "en") -> str:
        """Return what to do about it."""
        return causes.fix(self.code, self.facts, language)

    def evidence(self, language: Language = "en") -> str:
        """Return how it is known."""
        return causes.proof(self.proof, self.facts, language)

    def record(self) -> dict[str, object]:
        """Return the finding as a JSON record, sentences in both languages."""
        return {
            "code": self.code,
            "severity": self.severity,
            "proof": self.proof,
            "proven": self.proven,
            "checks": list(self.checks),
            "facts": {name: str(value) for name, value in self.facts.items()},
            "cause": {"en": self.cause("en"), "ar": self.cause("ar")},
            "evidence": {"en": self.evidence("en"), "ar": self.evidence("ar")},
            "fix": {"en": self.fix("en"), "ar": self.fix("ar")},
            "difference": None if self.difference is None else self.difference.record(),
        }


def facts(tried: Iterable[object] | int | None = None, **values: object) -> Facts:
    """Return facts for a sentence; long values are cut, `tried` is how many known mistakes were tried."""
    told: dict[str, str] = {}
    for name, value in values.items():
        if value is not None:
            told[name] = value if isinstance(value, Word) else shown(str(value))
    if tried is not None:
        told["tried"] = str(tried if isinstance(tried, int) else len(list(tried)))
    return told


def shown(text: str, most: int = 120) -> str:
    """Return a value as a line may show it: control characters visible, its middle left out where it is long."""
    line = "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
    return line if len(line) <= most else f"{line[: most // 2]}…{line[-(most // 3) :]}"
