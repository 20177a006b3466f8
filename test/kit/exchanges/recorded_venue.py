"""Recorded rows of exchanges in ccxt's unified form, and a client that returns them.

Base, quote and settle currency are those that the parser of the recording derived; a symbol with a
recorded position is a contract.
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
    """Recordings by exchange and source: parsed payloads, and responses of ccxt over HTTP."""
    recordings = {}
    for path in sorted((folder / "ccxt" / "unified").glob("*.json")):
        recording = json.loads(path.read_text())
        rows = {
            name: [each["unified"] for each in recording.get(name, ())]
            for name in ("orders", "trades", "positions")
        }
        recordings[path.stem] = Recording(exchange=recording["exchange"], **rows)
    for path in sorted((folder / "ccxt" / "unified_http").glob("*.json")):
        recording = json.loads(path.read_text())
        orders = _results(recording, "fetch_open_orders", "fetch_closed_orders", "fetch_orders")
        recordings[f"{path.stem} over HTTP"] = Recording(
            exchange=recording["exchange"],
            orders=orders,
            trades=_results(recording, "fetch_my_trades"),
            positions=_results(recording, "fetch_positions"),
        )
    return recordings


def _results(recording: Mapping[str, Any], *names: str) -> list[Row]:
    return [row for name in names for each in recording.get(name, ()) for row in each["result"]]


def make_instruments(recorded: Recording) -> dict[str, Instrument]:
    """One instrument per recorded symbol; symbols that are no pair are left out."""
    rows = [*recorded.orders, *recorded.trades, *recorded.positions]
    position_symbols = {row["symbol"] for row in recorded.positions}
    names = {row["symbol"] for row in rows if "/" in (row["symbol"] or "")}
    return {name: _instrument(name, has_position=name in position_symbols) for name in names}


def _instrument(symbol: str, *, has_position: bool) -> Instrument:
    pair, _, settle = symbol.partition(":")
    base, _, quote = pair.rpartition("/")
    settle = settle.partition("-")[0]
    kind = InstrumentKind.LINEAR if settle or has_position else InstrumentKind.SPOT
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


class _ExchangeWithAllMethods:
    """A ccxt object that supports all methods."""

    has: Mapping[str, bool] = {"fetchCanceledAndClosedOrders": True}


#: Statuses of closed orders; all other orders are listed as open.
_ENDED = frozenset({"closed", "canceled", "expired", "rejected"})


@dataclass
class RecordedVenue:
    """Implements ``venue.Venue``: returns the given rows."""

    instruments: Mapping[str, Instrument]
    orders: Sequence[Row] = ()
    trades: Sequence[Row] = ()
    positions: Sequence[Row] = ()
    clock_error_ms: int = 0
    #: It calls no host.
    hosts_called: Sequence[str] = ()
    last_call_at: None = None
    exchange: Any = field(default_factory=_ExchangeWithAllMethods)

    async def open(self) -> None:
        """Succeeds."""

    async def write(self, method: str, *args: Any, **kwargs: Any) -> Any:
        raise AssertionError(f"{method}: a recording accepts no writes")

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        params = args[-1] if args and isinstance(args[-1], dict) else {}
        match method:
            case "fetch_open_orders":
                return [row for row in self._orders(params) if row["status"] not in _ENDED]
            case "fetch_orders":
                return self._orders(params)
            case "fetch_canceled_and_closed_orders" | "fetch_closed_orders":
                return [row for row in self._orders(params) if row["status"] in _ENDED]
            case "fetch_canceled_orders":
                return []  # included in the closed orders
            case "fetch_funding_history":
                return []  # not recorded
            case "fetch_my_trades":
                return [] if "execType" in params else self._filtered(self.trades, params)
            case "fetch_positions":
                return self._filtered(self.positions, params)
            case "fetch_order":
                raise ReadFailed("order_not_found", "not recorded", retryable=False)
        raise ReadFailed("unsupported_func", method, retryable=False)

    async def close(self) -> None:
        """Does nothing."""

    def _orders(self, params: Mapping[str, Any]) -> list[Row]:
        return self._filtered(self.orders, params)

    def _filtered(self, rows: Iterable[Row], params: Mapping[str, Any]) -> list[Row]:
        """Rows that match ``params``; rows of unknown symbols always match."""
        return [row for row in rows if self._matches(row, params)]

    def _matches(self, row: Row, params: Mapping[str, Any]) -> bool:
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
        order_ids = {params.get("orderId"), params.get("orderLinkId")} - {None}
        return not order_ids or row.get("order", row.get("id")) in order_ids
