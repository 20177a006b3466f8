"""A scripted ccxt client: writes wait for the test's response, reads return the test's rows."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.domain.instrument import Instrument, InstrumentKind

LINEAR = "BTC/USDT:USDT"
INSTRUMENTS = {
    LINEAR: Instrument(
        symbol=LINEAR,
        kind=InstrumentKind.LINEAR,
        base="BTC",
        quote="USDT",
        settle="USDT",
        tick=Decimal("0.1"),
        step=Decimal("0.001"),
        min_notional=Decimal(5),
    )
}


class _ExchangeWithAllMethods:
    """A ccxt object that supports all methods."""

    has: Mapping[str, bool] = {"fetchCanceledAndClosedOrders": True}


@dataclass
class ScriptedVenue:
    """Implements ``venue.Venue``; each entry of ``writes`` completes when it is answered."""

    writes: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    answers: list["asyncio.Future[Any]"] = field(default_factory=list)
    #: Outcomes of future writes, used at once instead of waiting.
    ready_answers: list[Any] = field(default_factory=list)
    in_flight: int = 0
    max_in_flight: int = 0
    open_orders: list[dict[str, Any]] = field(default_factory=list)
    closed_orders: list[dict[str, Any]] = field(default_factory=list)
    trades: list[dict[str, Any]] = field(default_factory=list)
    positions: list[dict[str, Any]] = field(default_factory=list)
    read_error: ReadFailed | None = None
    is_closed: bool = False
    clock_error_ms: int = 0
    instruments: Mapping[str, Instrument] = field(default_factory=lambda: INSTRUMENTS)
    exchange: Any = field(default_factory=_ExchangeWithAllMethods)

    async def open(self) -> None:
        """Succeeds."""

    async def write(self, method: str, *args: Any, **kwargs: Any) -> Any:
        self.writes.append((method, args, kwargs))
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.answers.append(answer)
        if self.ready_answers:
            self.answer(len(self.answers) - 1, self.ready_answers.pop(0))
        try:
            return await answer
        finally:
            self.in_flight -= 1

    async def place_orders(self, orders: Sequence[Mapping[str, Any]]) -> Any:
        return await self.write("create_orders", orders)

    def order_wait(self, symbol: str, orders: int) -> float:
        """Single orders are sent sooner: none shares a request."""
        return 0.0 if orders == 1 else 60.0

    def answer(self, number: int, outcome: Any) -> None:
        """Complete write ``number`` with a response, or fail it with an exception."""
        if isinstance(outcome, Exception):
            self.answers[number].set_exception(outcome)
        else:
            self.answers[number].set_result(outcome)

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        if self.read_error is not None:
            raise self.read_error
        names = _names(args)
        match method:
            case "fetch_open_orders":
                return [row for row in self.open_orders if _is_named(row, names)]
            case "fetch_canceled_and_closed_orders" | "fetch_closed_orders":
                return [row for row in self.closed_orders if _is_named(row, names)]
            case "fetch_my_trades":
                return [row for row in self.trades if _is_named(row, names)]
            case "fetch_positions":
                return self.positions
        raise ReadFailed("unsupported_func", method, retryable=False)

    async def close(self) -> None:
        self.is_closed = True


def _names(args: tuple[Any, ...]) -> dict[str, Any]:
    params = args[-1] if args and isinstance(args[-1], dict) else {}
    return {key: params[key] for key in ("orderId", "orderLinkId") if key in params}


def _is_named(row: dict[str, Any], names: dict[str, Any]) -> bool:
    return all(row["info"].get(key) == each for key, each in names.items())


def an_order_row(
    name: str, client_id: str = "", status: str = "New", **changes: Any
) -> dict[str, Any]:
    """A unified ccxt order of Bybit."""
    info = {
        "orderId": name,
        "orderLinkId": client_id,
        "orderStatus": status,
        "qty": changes.pop("qty", "1"),
        "price": changes.pop("price", "100"),
        "cumExecQty": changes.pop("filled", "0"),
        "avgPrice": changes.pop("average", ""),
        "createType": "CreateByUser",
        **changes.pop("info", {}),
    }
    return {
        "id": name,
        "clientOrderId": client_id or None,
        "symbol": LINEAR,
        "side": "buy",
        "type": "limit",
        "amount": info["qty"],
        "filled": info["cumExecQty"],
        "price": info["price"],
        "status": "open",
        "timestamp": 1_700_000_000_000,
        "lastUpdateTimestamp": changes.pop("at", 1_700_000_000_000),
        "info": info,
        **changes,
    }


def a_trade_row(
    trade: str, order: str, client_id: str = "", qty: str = "1", **changes: Any
) -> dict[str, Any]:
    """A unified ccxt trade of Bybit."""
    info = {
        "execId": trade,
        "orderId": order,
        "orderLinkId": client_id,
        "execQty": qty,
        "execPrice": changes.pop("price", "100"),
        "execFee": changes.pop("fee", "0.05"),
        "execType": changes.pop("kind", "Trade"),
        "seq": changes.pop("sequence", 0),
    }
    return {
        "id": trade,
        "order": order,
        "symbol": LINEAR,
        "side": "buy",
        "amount": qty,
        "price": info["execPrice"],
        "takerOrMaker": "taker",
        "timestamp": changes.pop("at", 1_700_000_000_000),
        "fee": {"currency": "USDT", "cost": info["execFee"]},
        "info": info,
        **changes,
    }
