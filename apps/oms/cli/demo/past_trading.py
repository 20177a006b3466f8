"""Trades the planned past: each request at its time, through the gateway itself."""

import heapq
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from functools import partial
from typing import Any

from oms.bootstrap.simulated_gateway import RequestRefused, SimulatedGateway
from oms.cli.demo.planned_trades import HEDGE, Entry, Exit, PlannedTrade
from oms.cli.demo.registry import DemoRegistry

TICK = timedelta(hours=1)
POLL_TICKS, SNAPSHOT_TICKS = 2, 6
"""Ticks between two looks at the market, at which resting orders and stop levels act, and between
two snapshots of equity. In the last `DETAILED`, and at midnight, there are both at each tick.
"""
DETAILED = timedelta(days=3)

#: Strategies that people trade; all others are traded by the robot.
_BY_HAND = ("Spot rotation", "Carry")
_ENTRY_DISTANCE = Decimal("0.004")
_QTY_DIGITS = Decimal("0.0001")
#: Dollars of one contract of coin-margined symbols.
_CONTRACT_VALUES = {"BTC/USD:BTC": 100, "ETH/USD:ETH": 10}

Act = Callable[[], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class PastTrading:
    """Requests of the demo's users, and the schedule of those that follow."""

    gateway: SimulatedGateway
    registry: DemoRegistry
    start: datetime
    #: Length of the past.
    history: timedelta
    _schedule: list[tuple[datetime, int, Act]] = field(default_factory=list)
    _scheduled: int = 0

    async def trade(self, trades: Sequence[PlannedTrade]) -> None:
        """Trade the past from its start to its end."""
        for trade in trades:
            self.at(trade.opened_after, partial(self._open, trade))
        for number in range(1, self.history // TICK + 1):
            tick = self.start + number * TICK
            while self._schedule and self._schedule[0][0] <= tick:
                moment, _, act = heapq.heappop(self._schedule)
                self.gateway.clock.set(moment)
                await act()
            self.gateway.clock.set(tick)
            is_recent = number * TICK > self.history - DETAILED or tick.hour == 0
            if is_recent or number % POLL_TICKS == 0:
                await self.gateway.poll_market()
            if is_recent or number % SNAPSHOT_TICKS == 0:
                await self.gateway.take_snapshots()

    def at(self, after: timedelta, act: Act) -> None:
        """Have ``act`` called that long after the start; never, if the past ends before."""
        self._scheduled += 1
        heapq.heappush(self._schedule, (self.start + after, self._scheduled, act))

    async def send(
        self, account: str, command: str, payload: Mapping[str, object], user: str = "trader"
    ) -> dict[str, Any]:
        """Return the result of a command. Raises ``RequestRefused``."""
        body = {
            "account_id": self.registry.account_ids[account],
            "command": command,
            "payload": payload,
        }
        answer = await self.ask("POST", "/oms/commands?wait_ms=9000", body, user)
        return dict(answer["results"][0])

    async def try_send(
        self, account: str, command: str, payload: Mapping[str, object], user: str = "trader"
    ) -> dict[str, Any] | None:
        """Return the result of a command; ``None`` for one refused or rejected, as too late."""
        try:
            return await self.send(account, command, payload, user)
        except RequestRefused:
            return None

    async def ask(self, method: str, target: str, body: object = None, user: str = "trader") -> Any:
        """Return the response to a request of a user. Raises ``RequestRefused``."""
        return await self.gateway.request(method, target, body, key=self.registry.keys[user])

    async def price(self, account: str, symbol: str) -> Decimal:
        """Return the best bid."""
        account_id = self.registry.account_ids[account]
        book = await self.ask("POST", f"/ccxt/{account_id}/fetch_order_book", {"args": [symbol, 1]})
        return Decimal(str(book["result"]["bids"][0][0]))

    def qty_text(self, symbol: str, notional: int, price: Decimal) -> str:
        """Return the quantity of a value in dollars."""
        contract = _CONTRACT_VALUES.get(symbol)
        if contract is not None:
            return str(max(notional // contract, 1))
        return str((notional / price).quantize(_QTY_DIGITS, ROUND_DOWN))

    async def _open(self, trade: PlannedTrade) -> None:
        price = await self.price(trade.account, trade.symbol)
        sign = 1 if trade.side == "buy" else -1
        order: dict[str, object] = {
            "symbol": trade.symbol,
            "side": trade.side,
            "order_type": trade.entry,
            "qty": self.qty_text(trade.symbol, trade.notional, price),
            "strategy_id": self.registry.strategy_ids[trade.strategy],
        }
        if trade.account == HEDGE:
            order["new_position"] = True
        if trade.entry is Entry.LIMIT:
            order["price"] = str(price * (1 - sign * _ENTRY_DISTANCE))
        if trade.entry is Entry.STOP:
            order["trigger_price"] = str(price * (1 + sign * _ENTRY_DISTANCE))
        if trade.stop_loss_pct is not None:
            order["stop_loss_pct"] = str(trade.stop_loss_pct)
            order["stop_gain_pct"] = str(trade.stop_gain_pct)
        user = "trader" if trade.strategy in _BY_HAND else "robot"
        sent = await self.try_send(trade.account, "send_order", order, user)
        if sent is not None:
            order_id = int(sent["order_id"])
            self.at(trade.opened_after + trade.held, lambda: self._leave(trade, order_id, user))

    async def _leave(self, trade: PlannedTrade, order_id: int, user: str) -> None:
        """End the trade: cancel an order that still rests, close a position that is still open."""
        order = (await self.ask("GET", f"/oms/orders/{order_id}"))["items"][0]
        if order["closed_at"] is None:
            cancel = {"order_id": order_id, "comment": "no fill"}
            await self.try_send(trade.account, "cancel_order", cancel, user)
            order = (await self.ask("GET", f"/oms/orders/{order_id}"))["items"][0]
        position_id = order["position_id"]
        if not position_id:
            return
        position = (await self.ask("GET", f"/oms/positions/{position_id}"))["items"][0]
        if position["state"] == "open":
            await self._close(trade, position, user)

    async def _close(self, trade: PlannedTrade, position: dict[str, Any], user: str) -> None:
        account, ticket = trade.account, {"position_id": position["id"]}
        match trade.exit:
            case Exit.CLOSE:
                await self.try_send(account, "close_position", ticket, user)
            case Exit.HALVES:
                await self.try_send(account, "close_position", ticket | {"qty_pct": "50"}, user)
                after = self.gateway.clock.now() - self.start + timedelta(hours=3)
                self.at(after, partial(self._close_rest, account, ticket, user))
            case Exit.CLOSE_BY:
                await self._close_by(account, position, user)
            case Exit.REVERSE:
                await self.try_send(account, "reverse_position", ticket)

    async def _close_rest(self, account: str, ticket: Mapping[str, object], user: str) -> None:
        await self.try_send(account, "close_position", ticket, user)

    async def _close_by(self, account: str, position: dict[str, Any], user: str) -> None:
        """Open the opposite ticket, and close both by each other."""
        opposite = {name: position[name] for name in ("symbol", "qty", "strategy_id")}
        side = "sell" if position["side"] == "buy" else "buy"
        order = {**opposite, "side": side, "order_type": "market", "new_position": True}
        sent = await self.try_send(account, "send_order", order, user)
        if sent is not None:
            other = sent["order"]["position_id"]
            pair = {"position_id_a": position["id"], "position_id_b": other}
            await self.try_send(account, "close_by", pair, user)
