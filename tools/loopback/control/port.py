"""The control port: prices, money, the clock, faults, and what only the venue knows.

``POST /__ctl {"op": …}`` answers ``{"ok": true, …}``, or 400 with ``{"ok": false, "error": …}``.
Symbols are unified (``BTC/USDT``, ``BTC/USDT:USDT``); numbers are texts.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from loopback.control import account_operations, fault_operations, market_operations
from loopback.control.context import LoopbackContext
from loopback.control.params import InvalidParameter
from loopback.exchange.venue_actions import ActionNotPossible
from loopback.server.http import Request, Response, WebSocket

Json = dict[str, Any]
Op = Callable[[LoopbackContext, Mapping[str, Any]], Awaitable[Json]]

OPS: Mapping[str, Op] = {
    "price": market_operations.price,
    "book": market_operations.book,
    "print": market_operations.print_trade,
    "mark": market_operations.mark,
    "funding": market_operations.funding,
    "clock": market_operations.clock,
    "deposit": account_operations.deposit,
    "withdraw": account_operations.withdraw,
    "account": account_operations.account,
    "external": account_operations.external,
    "fill": account_operations.fill,
    "nudge": account_operations.nudge,
    "liquidate": account_operations.liquidate,
    "books": account_operations.books,
    "limit": fault_operations.limit,
    "skew": fault_operations.skew,
    "fault": fault_operations.fault,
    "faults": fault_operations.faults,
    "clear": fault_operations.clear,
    "streams": fault_operations.streams,
    "log": fault_operations.log,
    "reset": fault_operations.reset,
}


class ControlPort:
    """Answers at the control port; see ``loopback.server.http.RequestHandler``."""

    def __init__(self, desk: LoopbackContext) -> None:
        self._desk = desk

    async def answer(self, request: Request) -> Response:
        """Carry out one operation."""
        try:
            told = json.loads(request.body or b"{}")
            if request.method != "POST" or not isinstance(told, dict):
                raise InvalidParameter('POST a JSON object such as {"op": "books"}')
            op = OPS.get(str(told.get("op")))
            if op is None:
                raise InvalidParameter(f"op must be one of {', '.join(OPS)}")
            return _reply(200, {"ok": True} | await op(self._desk, told))
        except (InvalidParameter, ActionNotPossible, ValueError) as wrong:
            return _reply(400, {"ok": False, "error": str(wrong)})

    async def refuse_upgrade(self, request: Request) -> Response | None:
        """There is no stream here."""
        return Response(404)

    async def serve(self, request: Request, socket: WebSocket) -> None:
        """Never called: every dial is refused."""


def _reply(status: int, told: Json) -> Response:
    return Response(status, json.dumps(told).encode() + b"\n")
