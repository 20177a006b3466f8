"""Several dialects at one port, selected by the host name of the request."""

from collections.abc import Mapping

from loopback.server.http import Request, RequestHandler, Response, WebSocket


class VirtualHosts:
    """Dispatches to the dialect whose name is part of the host; a ``RequestHandler``."""

    def __init__(self, dialects: Mapping[str, RequestHandler], default: RequestHandler) -> None:
        self._dialects, self._default = dialects, default

    async def handle(self, request: Request) -> Response:
        """Returns the dialect's response."""
        return await self._select(request).handle(request)

    async def refuse_upgrade(self, request: Request) -> Response | None:
        """Returns the dialect's response to a refused WebSocket."""
        return await self._select(request).refuse_upgrade(request)

    async def serve_stream(self, request: Request, socket: WebSocket) -> None:
        """Serves the dialect's stream."""
        await self._select(request).serve_stream(request, socket)

    def _select(self, request: Request) -> RequestHandler:
        for name, dialect in self._dialects.items():
            if name in request.host:
                return dialect
        return self._default
