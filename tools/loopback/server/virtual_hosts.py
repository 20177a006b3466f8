"""Several dialects at one port, told apart by the host that is asked for."""

from collections.abc import Mapping

from loopback.server.http import Request, RequestHandler, Response, WebSocket


class VirtualHosts:
    """Answers as the dialect whose word is in the host's name.

    See ``loopback.server.http.RequestHandler``.
    """

    def __init__(self, dialects: Mapping[str, RequestHandler], usual: RequestHandler) -> None:
        self._dialects, self._usual = dialects, usual

    async def answer(self, request: Request) -> Response:
        """The dialect's answer."""
        return await self._meant(request).answer(request)

    async def refuse_upgrade(self, request: Request) -> Response | None:
        """Why the dialect refuses a dial."""
        return await self._meant(request).refuse_upgrade(request)

    async def serve(self, request: Request, socket: WebSocket) -> None:
        """The dialect's stream."""
        await self._meant(request).serve(request, socket)

    def _meant(self, request: Request) -> RequestHandler:
        for word, dialect in self._dialects.items():
            if word in request.host:
                return dialect
        return self._usual
