"""The base of every error that a user may see: facts first, the sentence built last, in two languages."""

from dataclasses import dataclass, fields
from typing import ClassVar, Literal

Language = Literal["en", "ar"]


@dataclass(eq=False)
class KhatmError(Exception):
    """One cause, carrying its facts as fields; subclasses give a code and one sentence per language.

    The sentences are templates over the fields. `exit_code` is what the command line returns:
    1 a document or the authority said no, 2 usage or unreadable input, 3 could not find out.
    """

    code: ClassVar[str] = "khatm-error"
    exit_code: ClassVar[int] = 2
    en: ClassVar[str] = "Something is wrong."
    ar: ClassVar[str] = "حدث خطأ."

    def facts(self) -> dict[str, object]:
        """Return the error's fields by name, for JSON output and tests."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def sentence(self, language: Language = "en") -> str:
        """Return what happened, what was found, what is allowed and what to do, in the given language."""
        template = self.ar if language == "ar" else self.en
        return template.format_map(self.facts())

    def __str__(self) -> str:
        return self.sentence()
