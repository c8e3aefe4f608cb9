"""The simulator on HTTP: the gateway's exact bytes below /e-invoicing, management below /manage, pages for people.

The gateway is plain ASGI without a framework between it and the wire: status, body and headers are the contract.
"""

from dataclasses import replace

import anyio.to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.routing import Mount, Route

from khatm.simulator import bodies, manage
from khatm.simulator.delivery import Delivery, Holding, Receive, Scope, Send, connection_of, deliver
from khatm.simulator.examiners import Examiners
from khatm.simulator.exchange import Request, Response
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.faulty import FaultyGateway
from khatm.simulator.gateway import PREFIX
from khatm.simulator.head_limit import HeadLimit
from khatm.simulator.web import openapi
from khatm.simulator.web.guard import Guard
from khatm.simulator.web.routes import routes as pages

_INLINE_BODY = 192 * 1024
"""Larger documents are examined in a thread, so that they do not hold up the others; for small ones the change of
thread costs more than it spares."""
_DRAINED = 64 * 1024 * 1024
"""How much of a body above the limit is read and dropped, so that its sender gets to read the answer."""
_MANAGE_LIMIT = 4 * 1024 * 1024
"""Octets of a management call; a script of faults is the largest."""


class _App(Starlette):
    """Management and pages in a framework, the gateway beside it."""

    gateway: HeadLimit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let calls of the gateway pass by the layers of the framework, of which it needs none."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self.gateway(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(fatoora: Fatoora) -> Starlette:
    """Return the ASGI application of a simulator. The caller closes the `fatoora`."""
    holding = Holding()
    app = _App(
        routes=[
            Mount(
                "/manage",
                routes=[*manage.routes(fatoora), Route("/openapi.json", openapi.serve)],
                middleware=[Middleware(Guard, hosts=fatoora.hosts, body_limit=_MANAGE_LIMIT)],
            ),
            *pages(fatoora),
            Route("/CertEnroll/{name}.crt", manage.issuer_certificate(fatoora), methods=["GET"]),
        ],
        middleware=[Middleware(HeadLimit)],
    )

    async def unknown(_request: HttpRequest, _error: Exception) -> HttpResponse:
        return _http(bodies.spring(404, fatoora.clock.now()))

    app.add_exception_handler(404, unknown)
    app.gateway = HeadLimit(GatewayApp(FaultyGateway(fatoora), holding, fatoora.examiners))
    app.state.fatoora = fatoora
    app.state.holding = holding
    return app


class GatewayApp:
    """The gateway as an ASGI application."""

    def __init__(self, gateway: FaultyGateway, holding: Holding, examiners: Examiners | None = None) -> None:
        """`examiners` look at documents before the gateway does."""
        self._gateway = gateway
        self._holding = holding
        self._examiners = examiners

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read one call, answer it."""
        if scope["type"] != "http":
            raise ValueError(f"the gateway speaks HTTP only, not {scope['type']}")
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
        request = Request(scope["method"], scope["path"], headers, b"")
        delivery = await self._delivery(request, receive)
        await deliver(delivery, self._holding, connection_of(scope), receive, send)

    async def _delivery(self, request: Request, receive: Receive) -> Delivery:
        body = await _body(receive, self._gateway.body_limit(request.path))
        request = replace(request, body=body or b"")
        struck = self._gateway.struck(request)
        delay = struck.then.delay if struck is not None and struck.then.when == "before" else 0.0
        if delay and not await self._holding.wait(delay):
            return Delivery(None)
        if body is None:
            return self._gateway.refuse_size(request, struck)
        if self._examiners is not None and (submission := self._gateway.submission(request)) is not None:
            received, members = submission
            request = replace(request, members=members, examined=await self._examiners.examine(received))
        if len(body) <= _INLINE_BODY:
            return self._gateway.handle(request, struck)
        return await anyio.to_thread.run_sync(self._gateway.handle, request, struck)


async def _body(receive: Receive, limit: int) -> bytes | None:
    """Return a body of at most `limit` octets, None for a longer one."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        part: bytes = message.get("body", b"")
        size += len(part)
        if size <= limit:
            parts.append(part)
        elif size > max(limit, _DRAINED):
            return None
        else:
            parts.clear()
        if not message.get("more_body", False):
            return b"".join(parts) if size <= limit else None


def _http(response: Response) -> HttpResponse:
    headers = {"Content-Type": response.content_type, **response.headers}
    return HttpResponse(response.body, response.status, headers)
