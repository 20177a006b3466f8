"""Exchanges as they were recorded: their rows in ccxt's shape, and a client that tells them.

What the recording's parser guessed of a market (base, quote, settlement) is taken as it stands; a
symbol in which a position was recorded is a contract.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.domain.instrument import Instrument, InstrumentKind

Row = dict[str, Any]
_GRID = Decimal("1E-18")


@dataclass(frozen=True)
class Recording:
    """All rows of one exchange."""

    exchange: str
    orders: list[Row]
    trades: list[Row]
    positions: list[Row]


def load_recordings(folder: Path) -> dict[str, Recording]:
    """By exchange and source: parsed payloads, and answers of whole ccxt over HTTP."""
    found = {}
    for path in sorted((folder / "ccxt" / "unified").glob("*.json")):
        told = json.loads(path.read_text())
        rows = {
            name: [each["unified"] for each in told.get(name, ())]
            for name in ("orders", "trades", "positions")
        }
        found[path.stem] = Recording(exchange=told["exchange"], **rows)
    for path in sorted((folder / "ccxt" / "unified_http").glob("*.json")):
        told = json.loads(path.read_text())
        orders = _answers(told, "fetch_open_orders", "fetch_closed_orders", "fetch_orders")
        found[f"{path.stem} over HTTP"] = Recording(
            exchange=told["exchange"],
            orders=orders,
            trades=_answers(told, "fetch_my_trades"),
            positions=_answers(told, "fetch_positions"),
        )
    return found


def _answers(told: Mapping[str, Any], *names: str) -> list[Row]:
    return [row for name in names for each in told.get(name, ()) for row in each["result"]]


def make_instruments(recorded: Recording) -> dict[str, Instrument]:
    """An instrument of each symbol told; one that is no pair is not traded."""
    rows = [*recorded.orders, *recorded.trades, *recorded.positions]
    held = {row["symbol"] for row in recorded.positions}
    names = {row["symbol"] for row in rows if "/" in (row["symbol"] or "")}
    return {name: _instrument(name, is_held=name in held) for name in names}


def _instrument(symbol: str, *, is_held: bool) -> Instrument:
    pair, _, settle = symbol.partition(":")
    base, _, quote = pair.rpartition("/")
    settle = settle.partition("-")[0]
    kind = InstrumentKind.LINEAR if settle or is_held else InstrumentKind.SPOT
    if settle and settle == base:
        kind = InstrumentKind.INVERSE
    return Instrument(
        symbol=symbol,
        kind=kind,
        base=base,
        quote=quote,
        settle=settle or quote,
        tick=_GRID,
        step=_GRID,
        min_notional=Decimal(0),
    )


class _Everything:
    """A ccxt object that has all methods."""

    has: Mapping[str, bool] = {"fetchCanceledAndClosedOrders": True}


#: States of orders in a list of those that ended; what is in none stands with the open ones.
_ENDED = frozenset({"closed", "canceled", "expired", "rejected"})


@dataclass
class RecordedVenue:
    """``venue.Venue``: tells what it was given, silent before that."""

    instruments: Mapping[str, Instrument]
    orders: Sequence[Row] = ()
    trades: Sequence[Row] = ()
    positions: Sequence[Row] = ()
    clock_error_ms: int = 0
    exchange: Any = field(default_factory=_Everything)

    async def open(self) -> None:
        """Always."""

    async def write(self, method: str, *args: Any, **kwargs: Any) -> Any:
        raise AssertionError(f"{method}: nothing is sent to a recording")

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        params = args[-1] if args and isinstance(args[-1], dict) else {}
        match method:
            case "fetch_open_orders":
                return [row for row in self._orders(params) if row["status"] not in _ENDED]
            case "fetch_canceled_and_closed_orders" | "fetch_closed_orders":
                return [row for row in self._orders(params) if row["status"] in _ENDED]
            case "fetch_canceled_orders":
                return []  # they are among the others
            case "fetch_my_trades":
                return [] if "execType" in params else self._part(self.trades, params)
            case "fetch_positions":
                return self._part(self.positions, params)
            case "fetch_order":
                raise ReadFailed("order_not_found", "it was not recorded", retryable=False)
        raise ReadFailed("unsupported_func", method, retryable=False)

    async def close(self) -> None:
        """Nothing is open."""

    def _orders(self, params: Mapping[str, Any]) -> list[Row]:
        return self._part(self.orders, params)

    def _part(self, rows: Iterable[Row], params: Mapping[str, Any]) -> list[Row]:
        """Rows of the part of the account that is asked for; strangers' symbols in each."""
        return [row for row in rows if self._is_in(row, params)]

    def _is_in(self, row: Row, params: Mapping[str, Any]) -> bool:
        instrument = self.instruments.get(row["symbol"])
        if instrument is None:
            return True
        is_spot = instrument.kind is InstrumentKind.SPOT
        if params.get("type") in ("spot", "swap") and is_spot is not (params["type"] == "spot"):
            return False
        if "subType" in params and params["subType"] != instrument.kind.value:
            return False
        if "settleCoin" in params and params["settleCoin"] != instrument.settle:
            return False
        named = {params.get("orderId"), params.get("orderLinkId")} - {None}
        return not named or row.get("order", row.get("id")) in named
