"""The three environments of the authority and what names them on the wire and in a CSR."""

from enum import StrEnum


class Environment(StrEnum):
    """One of ZATCA's environments, by the name that files, management and the command line use."""

    SANDBOX = "sandbox"
    SIMULATION = "simulation"
    PRODUCTION = "production"

    @property
    def path_segment(self) -> str:
        """The part of the gateway path that stands for this environment (`/e-invoicing/<segment>`)."""
        return _PATH_SEGMENTS[self]

    @property
    def csr_template(self) -> str:
        """The certificate template name that a CSR for this environment carries (1.3.6.1.4.1.311.20.2)."""
        return _CSR_TEMPLATES[self]

    @classmethod
    def from_path_segment(cls, segment: str) -> "Environment":
        """Return the environment of a gateway path segment; KeyError for any other text."""
        return _BY_SEGMENT[segment]


_PATH_SEGMENTS = {
    Environment.SANDBOX: "developer-portal",
    Environment.SIMULATION: "simulation",
    Environment.PRODUCTION: "core",
}
_BY_SEGMENT = {segment: environment for environment, segment in _PATH_SEGMENTS.items()}
_CSR_TEMPLATES = {
    Environment.SANDBOX: "TSTZATCA-Code-Signing",
    Environment.SIMULATION: "PREZATCA-Code-Signing",
    Environment.PRODUCTION: "ZATCA-Code-Signing",
}
