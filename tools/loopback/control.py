"""The control port: prices, money, the clock, faults, and what only the venue knows.

``POST /__ctl {"op": …}`` answers ``{"ok": true, …}``, or 400 with ``{"ok": false, "error": …}``.
Symbols are unified (``BTC/USDT``, ``BTC/USDT:USDT``); numbers are texts.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from loopback import control_accounts, control_market, control_weather
from loopback.desk import Desk
from loopback.http import Reply, Request, Socket
from loopback.strokes import Impossible
from loopback.wanted import Wrong

Json = dict[str, Any]
Op = Callable[[Desk, Mapping[str, Any]], Awaitable[Json]]

OPS: Mapping[str, Op] = {
    "price": control_market.price,
    "book": control_market.book,
    "print": control_market.print_trade,
    "mark": control_market.mark,
    "funding": control_market.funding,
    "clock": control_market.clock,
    "deposit": control_accounts.deposit,
    "withdraw": control_accounts.withdraw,
    "account": control_accounts.account,
    "external": control_accounts.external,
    "fill": control_accounts.fill,
    "nudge": control_accounts.nudge,
    "liquidate": control_accounts.liquidate,
    "books": control_accounts.books,
    "limit": control_weather.limit,
    "skew": control_weather.skew,
    "fault": control_weather.fault,
    "faults": control_weather.faults,
    "clear": control_weather.clear,
    "streams": control_weather.streams,
    "log": control_weather.log,
    "reset": control_weather.reset,
}


class Control:
    """Answers at the control port; see ``loopback.http.Answering``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def answer(self, request: Request) -> Reply:
        """Carry out one operation."""
        try:
            told = json.loads(request.body or b"{}")
            if request.method != "POST" or not isinstance(told, dict):
                raise Wrong('POST a JSON object such as {"op": "books"}')
            op = OPS.get(str(told.get("op")))
            if op is None:
                raise Wrong(f"op must be one of {', '.join(OPS)}")
            return _reply(200, {"ok": True} | await op(self._desk, told))
        except (Wrong, Impossible, ValueError) as wrong:
            return _reply(400, {"ok": False, "error": str(wrong)})

    async def refuses(self, request: Request) -> Reply | None:
        """There is no stream here."""
        return Reply(404)

    async def serve(self, request: Request, socket: Socket) -> None:
        """Never called: every dial is refused."""


def _reply(status: int, told: Json) -> Reply:
    return Reply(status, json.dumps(told).encode() + b"\n")
