"""What each environment of the simulator does where the real ones differ: switches with their defaults.

Source: gateway contract, section 14.1 (defaults) and the sections named beside each switch.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from khatm.environment import Environment
from khatm.simulator.errors import MalformedSetting, UnknownSwitch, UnknownSwitchEnvironment, UnknownSwitchValue


@dataclass(frozen=True, slots=True)
class _Values:
    """How a switch's text becomes its value, and what to tell someone who writes another text."""

    allowed: str
    read: Callable[[str], object]
    """Raises ValueError or KeyError for a text that is not allowed."""


def _words(*texts: str, **other_names: str) -> dict[str, _Values]:
    """`other_names` are further spellings of some of the texts."""
    table: dict[str, object] = {**{text: text for text in texts}, **other_names}
    texts += tuple(other_names)
    shown = (text if text.strip(" ,") else repr(text) for text in texts)
    return {"values": _Values(", ".join(shown), table.__getitem__)}


def _on_off() -> dict[str, _Values]:
    return {"values": _Values("on, off", {"on": True, "off": False, "true": True, "false": False}.__getitem__)}


def _whole_number(unit: str, least: int = 0, most: int = 10**12) -> dict[str, _Values]:
    def read(text: str) -> object:
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most):
            raise ValueError(text)
        return int(text)

    return {"values": _Values(f"a whole number of {unit} from {least} to {most}", read)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """One environment's behaviour where environments, versions or tests differ. Built by `default_switches`."""

    otp: Literal["pattern", "portal"] = field(metadata=_words("pattern", "portal"))
    """`pattern`: fixed values, never consumed (6.6); `portal`: one-hour, single-use codes of the portal."""
    request_id: Literal["constant", "milliseconds"] = field(metadata=_words("constant", "milliseconds"))
    """The CCSID's and PCSID's requestID: the sandbox's constants, or the issue time and a running number (2.3)."""
    template_check: bool = field(metadata=_on_off())
    """Refuse a CSR template of another environment when the PCSID is asked for (6.4)."""
    vat_check: bool = field(metadata=_on_off())
    """The CSR's VAT number must be the taxpayer's for whom the OTP was issued (6.5)."""
    enforce_steps: bool = field(metadata=_on_off())
    """A PCSID only after every compliance step of the type map (6.2)."""
    submitted_before: bool = field(metadata=_on_off())
    """A compliance step passed already answers 406 `Submitted before` (4.5)."""
    qr_steps: bool = field(default=False, metadata=_on_off())
    """Demand the two QR steps as well, which nothing is known to satisfy (6.2)."""
    step_list_separator: Literal[",", ", "] = field(default=",", metadata=_words(",", ", "))
    """What stands between the names in `Missing-ComplianceSteps` (6.2)."""
    pcsid: Literal["canned", "issued"] = field(default="issued", metadata=_words("canned", "issued"))
    """`canned`: everybody gets one fixed certificate and secret (2.6)."""
    pcsid_days: int = field(metadata=_whole_number("days", 1, 7000))
    """How long a PCSID lasts, never longer than its issuer (2.5)."""
    second_production_csid: Literal["reissue", "refuse"] = field(
        default="reissue", metadata=_words("reissue", "refuse")
    )
    """A second PCSID request of one CCSID: another certificate, or 400 `Invalid-ComplianceRequestId` (6.3)."""
    renewal: Literal["200", "428"] = field(metadata=_words("200", "428"))
    """The first answer to a renewal (4.7)."""
    renewal_428_wrapped: bool = field(default=False, metadata=_on_off())
    """Wrap the 428 body as `{"value": …}`, as the published file has it (4.7)."""
    renewal_overlap: int = field(default=0, metadata=_whole_number("seconds", 0, 10**9))
    """How long the old PCSID still authenticates after the switch to the new one (7)."""
    rules: Literal["3.4.8", "3.3.3", "off"] = field(default="3.4.8", metadata=_words("3.4.8", "3.3.3", "off"))
    """The edition of the business rules, EN 16931 and KSA; `off`: none of them is evaluated (5.4)."""
    signature_key_check: bool = field(metadata=_on_off())
    """SignatureValue must verify under the embedded certificate; off looks at its form only (2.6)."""
    invalid_signature: Literal["error", "warning"] = field(default="error", metadata=_words("error", "warning"))
    """Whether a SignatureValue that does not verify refuses the document; reports since October 2025 differ (5.2)."""
    certificate_signature: Literal["any", "plain"] = field(default="any", metadata=_words("any", "plain"))
    """`plain`: the authority signs until its signature holds 0x30 only at its start, which one client relies on."""
    stamp_digests: bool = field(metadata=_on_off())
    """Check the SignedProperties and certificate digests, issuer and serial (11)."""
    qr_plain_lengths: Literal["refuse", "accept"] = field(default="refuse", metadata=_words("refuse", "accept"))
    """A QR whose lengths above 127 stand in one plain octet (stamp standard 5.2)."""
    csr_p256: Literal["refuse", "accept"] = field(default="refuse", metadata=_words("refuse", "accept"))
    """A CSR on prime256v1 (6.5)."""
    csr_sha1: Literal["refuse", "accept"] = field(default="refuse", metadata=_words("refuse", "accept"))
    """A CSR signed with SHA-1 (6.5)."""
    warnings_as_200: bool = field(default=False, metadata=_on_off())
    """Answer 200 instead of 202, for clients that stop at anything else (client behaviour 9, item 10)."""
    duplicates_as_200: bool = field(default=False, metadata=_on_off())
    """Answer a repeated document like its first copy instead of 409 or 208 (client behaviour 9, item 9)."""
    unknown_signing_certificate: Literal["ignore", "warning"] = field(metadata=_words("ignore", "warning"))
    """A document signed under a certificate that this authority did not issue to the VAT number (5.2)."""
    certificate_permissions: bool = field(default=True, metadata=_on_off())
    """The seller's VAT number must be the authenticated certificate's (5.1)."""
    duplicates: bool = field(metadata=_on_off())
    """Recognise an accepted document's hash (8.5)."""
    duplicate_window: int = field(default=24 * 3600, metadata=_whole_number("seconds", 1, 10**9))
    """How long it is recognised; after that the document is judged again (8.5)."""
    duplicate_body: Literal["2025", "published", "late-2025"] = field(
        default="2025", metadata=_words("2025", "published", "late-2025")
    )
    """Which of the three forms of the 409 is sent (4.10)."""
    chain: Literal["format", "warn", "strict"] = field(
        default="format", metadata=_words("format", "warn", "strict", off="format")
    )
    """ICV and PIH: form only (`off` says the same), a warning on a break, or a refusal (8.4)."""
    clearance_enabled: bool = field(default=True, metadata=_on_off())
    """Off: clearance answers 303 and standard documents are reported (4.11)."""
    clearance_status_header: bool = field(metadata=_on_off())
    """`Clearance-Status: 0` on clearance draws the 303 as well (1.4)."""
    clearance_status_required: bool = field(default=False, metadata=_on_off())
    """Reporting and clearance without `Clearance-Status` answer 400 `Invalid Request` (client behaviour 9, item 1)."""
    stamp: Literal["sandbox-faithful", "platform"] = field(metadata=_words("sandbox-faithful", "platform"))
    """What a cleared document carries: the caller's certificate, or one that verifies (8.3)."""
    cors: Literal["partial", "open"] = field(default="partial", metadata=_words("partial", "open"))
    """Which preflight requests succeed (1.3)."""
    accept_version: Literal["exact", "any-case"] = field(default="exact", metadata=_words("exact", "any-case"))
    """Whether `Accept-Version: v2` passes (1.4)."""
    ccsid_on_submission: Literal["accept", "refuse"] = field(metadata=_words("accept", "refuse"))
    """A CCSID on reporting and clearance (6.3)."""
    max_body: int = field(default=5 * 1024 * 1024, metadata=_whole_number("bytes", 1, 10**9))
    """Larger requests answer 413 (8.7)."""
    rate_limit: int = field(default=0, metadata=_whole_number("calls a minute", 0, 10**6))
    """Calls of one caller beyond so many in a minute of real time answer 429; 0 sets no limit (8.7)."""


def default_switches(environment: Environment, *, canned_certificate: bool = False) -> Switches:
    """Return the defaults of one environment; `canned_certificate` tells whether an operator configured that file.

    Source: gateway contract, sections 2.6 and 14.1.
    """
    if environment is Environment.SANDBOX:
        return Switches(
            otp="pattern",
            request_id="constant",
            template_check=False,
            vat_check=False,
            enforce_steps=False,
            submitted_before=False,
            pcsid="canned" if canned_certificate else "issued",
            pcsid_days=1825,
            renewal="200",
            signature_key_check=False,
            stamp_digests=False,
            unknown_signing_certificate="ignore",
            duplicates=False,
            clearance_status_header=True,
            stamp="sandbox-faithful",
            ccsid_on_submission="accept",
        )
    return Switches(
        otp="portal",
        request_id="milliseconds",
        template_check=True,
        vat_check=True,
        enforce_steps=True,
        submitted_before=True,
        pcsid_days=730 if environment is Environment.SIMULATION else 1825,
        renewal="428",
        signature_key_check=True,
        stamp_digests=True,
        unknown_signing_certificate="warning",
        duplicates=True,
        clearance_status_header=False,
        stamp="platform",
        ccsid_on_submission="refuse",
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """One `ENVIRONMENT.SWITCH=VALUE`, checked."""

    environment: Environment
    switch: str
    value: object

    def apply(self, switches: Switches) -> Switches:
        """Return `switches` with this one changed."""
        change: dict[str, Any] = {self.switch: self.value}
        return replace(switches, **change)


def parse_setting(text: str) -> Setting:
    """Read `ENVIRONMENT.SWITCH=VALUE`, for example `sandbox.pcsid=canned`.

    Raises MalformedSetting, UnknownSwitchEnvironment, UnknownSwitch or UnknownSwitchValue.
    """
    name, equals, value = text.partition("=")
    environment, point, switch = name.strip().partition(".")
    if not equals or not point:
        raise MalformedSetting(found=text)
    return checked_setting(environment, switch, value, place=f"--set {text}")


def checked_setting(environment: str, switch: str, value: str, *, place: str) -> Setting:
    """Return a setting; `place` says where it is written, for the errors.

    Raises UnknownSwitchEnvironment, UnknownSwitch or UnknownSwitchValue.
    """
    try:
        known = Environment(environment)
    except ValueError:
        allowed = ", ".join(each.value for each in Environment)
        raise UnknownSwitchEnvironment(setting=place, found=environment, allowed=allowed) from None
    values = _VALUES.get(switch)
    if values is None:
        raise UnknownSwitch(setting=place, found=switch, allowed=", ".join(_VALUES))
    try:
        return Setting(known, switch, values.read(value))
    except (KeyError, ValueError):
        raise UnknownSwitchValue(setting=place, switch=switch, found=value, allowed=values.allowed) from None


def switches_by_environment(
    settings: Iterable[str] = (), *, profile: Iterable[Setting] = (), canned_certificate: bool = False
) -> Mapping[Environment, Switches]:
    """Return every environment's switches: the defaults changed by a profile, then by `settings` in order.

    Raises what `parse_setting` raises.
    """
    switches = {each: default_switches(each, canned_certificate=canned_certificate) for each in Environment}
    for setting in (*profile, *map(parse_setting, settings)):
        switches[setting.environment] = setting.apply(switches[setting.environment])
    return switches


def shown_value(value: object) -> str:
    """Return a switch's value as it is written after `--set`."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


_VALUES: dict[str, _Values] = {each.name: each.metadata["values"] for each in fields(Switches)}
