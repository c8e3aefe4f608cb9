"""zatca-tools-sdk 0.1.3, a client in Python, driven through its own public interface.

Its gateway host is fixed in its code; what it lets a caller give is the HTTP client. The one given here sends
every request to the simulator and changes nothing but the address; or it has a transport into a simulator of this
process; or none is given, and the client's own obeys the proxy and trust variables.
"""

from urllib.parse import urlsplit

import httpx
from zatca_tools import Zatca
from zatca_tools.csr import CsrRequest
from zatca_tools.models import Credentials
from zatca_tools.results import Invoice, SubmissionResult

from khatm.environment import Environment

_BUYER = {
    "name": "مؤسسة الأفق | Horizon Est.",
    "vat_number": "399999999800003",
    "address": {
        "street": "King Fahd Road",
        "building_number": "8228",
        "district": "Al Olaya",
        "city": "Riyadh",
        "postal_code": "12244",
    },
}
_LINES = [
    {"name": "Dates, 1 kg", "quantity": 3, "unit_price": 24.5},
    {"name": "تمر سكري", "quantity": 1, "unit_price": 40},
]


class _ToSimulator(httpx.HTTPTransport):
    def __init__(self, url: str) -> None:
        super().__init__()
        self._target = urlsplit(url)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        host, port = self._target.hostname, self._target.port
        request.url = request.url.copy_with(scheme="http", host=host, port=port)
        request.headers["Host"] = f"{host}:{port}"
        return super().handle_request(request)


class ToolsSdkUnit:
    """One EGS unit run with zatca-tools-sdk: against a URL, through a transport, or (None) at its fixed address."""

    def __init__(
        self, way: str | httpx.BaseTransport | None, environment: Environment, vat_number: str, type_map: str
    ) -> None:
        self.type_map = type_map
        self._numbers = iter(range(1, 1000))
        transport = _ToSimulator(way) if isinstance(way, str) else way
        self._http = None if transport is None else httpx.Client(transport=transport, trust_env=False, timeout=30)
        self.zatca = Zatca(
            environment.value,
            seller={
                "vat_number": vat_number,
                "name": "شركة ركن النخيل للتجارة",
                "cr_number": "1010734512",
                "address": {
                    "street": "Olaya Road",
                    "building_number": "3471",
                    "district": "Al Olaya",
                    "city": "Riyadh",
                    "postal_code": "12611",
                },
            },
            http_client=self._http,
        )

    def __enter__(self) -> "ToolsSdkUnit":
        return self

    def __exit__(self, *_: object) -> None:
        self.zatca.close()
        if self._http is not None:
            self._http.close()

    def onboard(self, otp: str | None = None) -> None:
        """The whole way in the client's own one call: CSR, CCSID, checks, PCSID; in the sandbox with its own OTP."""
        self.zatca.onboard(otp, branch="Riyadh Branch", industry="Food retail", invoice_types=self.type_map)

    def renew(self, otp: str | None = None) -> None:
        """The client's own renewal: new key, new certificate, same chain."""
        self.zatca.renew(otp, branch="Riyadh Branch", industry="Food retail", invoice_types=self.type_map)

    def create(self, profile: str, kind: str) -> Invoice:
        """Create and sign the next document of the chain; nothing is sent."""
        return self.zatca.create_invoice(self._input(profile, kind))

    def submit(self, profile: str, kind: str) -> SubmissionResult:
        """Create the next document and send it where the client sends it."""
        return self.zatca.submit(self.create(profile, kind))

    def csr_request(self) -> CsrRequest:
        """What a caller of the single steps gives for a CSR."""
        seller = self.zatca.seller
        return CsrRequest(
            vat_number=seller.vat_number,
            organization_name=seller.name,
            organization_unit="Riyadh Branch",
            location="RRRD2929",
            industry="Food retail",
            invoice_types=self.type_map,
        )

    def use(self, credentials: Credentials) -> None:
        """Go on as after a restart with other stored credentials: same seller, same chain."""
        self.zatca = Zatca(
            self.zatca.environment,
            seller=self.zatca.seller,
            credentials=credentials,
            chain=self.zatca.chain or "new",
            http_client=self._http,
        )

    def _input(self, profile: str, kind: str) -> dict[str, object]:
        document: dict[str, object] = {
            "type": profile,
            "kind": kind,
            "number": f"INV-{next(self._numbers):04d}",
            "items": _LINES,
        }
        if profile == "standard":
            document["buyer"] = _BUYER
        if kind != "invoice":
            document |= {"original_invoice": "INV-0001", "reason": "Goods returned"}
        return document
