"""The control port: operations on prices, accounts, the clock and faults, and the venue's books.

``POST /__ctl {"op": …}`` returns ``{"ok": true, …}``, or 400 with ``{"ok": false, "error": …}``.
Symbols are unified (``BTC/USDT``, ``BTC/USDT:USDT``); numbers are strings.
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
    "price": market_operations.set_price,
    "book": market_operations.set_book,
    "print": market_operations.add_trade,
    "bars": market_operations.set_bars,
    "mark": market_operations.set_mark_price,
    "funding": market_operations.set_funding_rate,
    "clock": market_operations.set_clock,
    "deposit": account_operations.deposit,
    "withdraw": account_operations.withdraw,
    "account": account_operations.add_key,
    "external": account_operations.place_external_order,
    "fill": account_operations.fill_resting_order,
    "nudge": account_operations.shift_position_silently,
    "liquidate": account_operations.liquidate,
    "books": account_operations.read_books,
    "limit": fault_operations.set_rate_limit,
    "skew": fault_operations.set_skew,
    "fault": fault_operations.add_fault,
    "faults": fault_operations.list_faults,
    "clear": fault_operations.clear,
    "streams": fault_operations.list_streams,
    "log": fault_operations.read_log,
    "reset": fault_operations.reset,
}


class ControlPort:
    """The ``RequestHandler`` of the control port."""

    def __init__(self, context: LoopbackContext) -> None:
        self._context = context

    async def handle(self, request: Request) -> Response:
        """Executes one operation."""
        try:
            body = json.loads(request.body or b"{}")
            if request.method != "POST" or not isinstance(body, dict):
                raise InvalidParameter('POST a JSON object such as {"op": "books"}')
            op = OPS.get(str(body.get("op")))
            if op is None:
                raise InvalidParameter(f"op must be one of {', '.join(OPS)}")
            return _response(200, {"ok": True} | await op(self._context, body))
        except (InvalidParameter, ActionNotPossible, ValueError) as error:
            return _response(400, {"ok": False, "error": str(error)})

    async def refuse_upgrade(self, request: Request) -> Response | None:
        """Refuses: the control port has no streams."""
        return Response(404)

    async def serve_stream(self, request: Request, socket: WebSocket) -> None:
        """Never called: every WebSocket is refused."""


def _response(status: int, body: Json) -> Response:
    return Response(status, json.dumps(body).encode() + b"\n")
