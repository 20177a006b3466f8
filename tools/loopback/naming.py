"""Several dialects at one port, told apart by the host that is asked for."""

from collections.abc import Mapping

from loopback.http import Answering, Reply, Request, Socket


class ByName:
    """Answers as the dialect whose word is in the host's name; see ``loopback.http.Answering``."""

    def __init__(self, dialects: Mapping[str, Answering], usual: Answering) -> None:
        self._dialects, self._usual = dialects, usual

    async def answer(self, request: Request) -> Reply:
        """The dialect's answer."""
        return await self._meant(request).answer(request)

    async def refuses(self, request: Request) -> Reply | None:
        """Why the dialect refuses a dial."""
        return await self._meant(request).refuses(request)

    async def serve(self, request: Request, socket: Socket) -> None:
        """The dialect's stream."""
        await self._meant(request).serve(request, socket)

    def _meant(self, request: Request) -> Answering:
        for word, dialect in self._dialects.items():
            if word in request.host:
                return dialect
        return self._usual
