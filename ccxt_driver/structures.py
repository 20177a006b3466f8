"""Converts rows of the gateway to ccxt's unified structures, with every key of theirs.

Ids are the gateway's own. A value that a row does not contain is ``None``, never an error. Amounts
are computed as decimals and converted by ``number`` (float by default) at the end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any

from ccxt_driver.wire import format_decimal, iso8601, parse_milliseconds

Row = Mapping[str, Any]
Structure = dict[str, Any]

OMS, CCXT = DIALECTS = ("oms", "ccxt")
"""``oms`` keeps the gateway's values where they differ from ccxt's."""

_EXACT = Context(prec=80)
_ZERO = Decimal(0)
_STATUSES = {
    "FILLED": "closed",
    "CANCELED": "canceled",
    "EXPIRED": "canceled",
    "REJECTED": "rejected",
}
_POSITION_SIDES = {"buy": "long", "sell": "short"}
#: Of positions the exchange alone knows the margin: what is the same for any part of a position,
#: and what is of the whole position.
_SETTING_KEYS = (
    *("leverage", "marginMode", "liquidationPrice", "hedged", "lastPrice"),
    *("initialMarginPercentage", "maintenanceMarginPercentage", "marginRatio", "isolated"),
)
_MARGIN_KEYS = ("collateral", "initialMargin", "maintenanceMargin", "percentage", "positionMargin")


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureBuilder:
    """Builds ccxt structures; ``number`` converts decimal text to a value."""

    number: Callable[[str], Any] = float
    dialect: str = OMS
    #: Base units of one contract by symbol, where they are not 1; amounts are in contracts there.
    contract_sizes: Mapping[str, Decimal] = field(default_factory=dict)

    def order(self, row: Row, *, info: Any = None, deals: Sequence[Row] = ()) -> Structure:
        """Returns an order structure; ``info`` is the row unless given."""
        qty, filled = _decimal(row, "qty"), _decimal(row, "filled_qty")
        average = _decimal(row, "avg_fill_price")
        is_priced_by_fills = self.dialect == CCXT and row.get("price") is None
        remaining = None if qty is None or filled is None else max(_ZERO, qty - filled)
        updated = parse_milliseconds(row.get("updated_at"))
        trigger = self._value(row, "trigger_price")
        fee = self._fee(row)
        return {
            "id": _text(row.get("id")),
            "clientOrderId": row.get("client_order_id"),
            "symbol": row.get("symbol"),
            "type": _lower(row.get("order_type")),
            "side": row.get("side"),
            "price": self._number(average) if is_priced_by_fills else self._value(row, "price"),
            "amount": self._contracts(row, qty),
            "filled": self._contracts(row, filled),
            "remaining": self._contracts(row, remaining),
            "status": self._status(row),
            **_times(parse_milliseconds(row.get("created_at")) or updated),
            "info": row if info is None else info,
            "lastTradeTimestamp": parse_milliseconds(row.get("last_fill_at")),
            "lastUpdateTimestamp": updated,
            "timeInForce": row.get("time_in_force"),
            "postOnly": row.get("post_only"),
            "reduceOnly": row.get("reduce_only"),
            "average": self._number(average),
            "cost": self._number(_cost(filled, average)),
            "stopPrice": trigger,
            "triggerPrice": trigger,
            "takeProfitPrice": self._value(row, "stop_gain"),
            "stopLossPrice": self._value(row, "stop_loss"),
            "fee": fee,
            "fees": [] if fee is None else [fee],
            "trades": [self.trade(deal) for deal in deals],
        }

    def trade(self, row: Row) -> Structure:
        """Returns a trade structure for a deal row."""
        qty, price = _decimal(row, "qty"), _decimal(row, "price")
        executed = parse_milliseconds(row.get("executed_at"))
        fee = self._fee(row)
        return {
            "id": _text(row.get("id")),
            "order": _text(row.get("order_id")),
            "symbol": row.get("symbol"),
            "side": row.get("side"),
            "price": self._number(price),
            "amount": self._contracts(row, qty),
            "cost": self._number(_cost(qty, price)),
            "fee": fee,
            **_times(parse_milliseconds(row.get("created_at")) if executed is None else executed),
            "info": row,
            "type": None,
            "takerOrMaker": row.get("liquidity"),
            "fees": [] if fee is None else [fee],
        }

    def position(self, row: Row) -> Structure:
        """Returns a position structure; without contract sizes quantities are in base units."""
        qty, mark = _decimal(row, "qty"), _decimal(row, "mark_price")
        side = row.get("side")
        return {
            "id": _text(row.get("id")),
            "symbol": row.get("symbol"),
            "side": side if self.dialect == OMS else _POSITION_SIDES.get(str(side), side),
            "contracts": self._contracts(row, qty),
            "entryPrice": self._value(row, "avg_price"),
            **_times(parse_milliseconds(row.get("opened_at"))),
            "info": row,
            "lastUpdateTimestamp": parse_milliseconds(row.get("updated_at")),
            "contractSize": self._number(self._contract_size(row)),
            "notional": self._number(_cost(qty, mark)),
            "markPrice": self._number(mark),
            "unrealizedPnl": self._value(row, "unrealized_pnl"),
            "realizedPnl": self._value(row, "realized_pnl"),
            "stopLossPrice": self._value(row, "stop_loss"),
            "takeProfitPrice": self._value(row, "stop_gain"),
            "exitPrice": self._value(row, "close_price"),
            **dict.fromkeys((*_SETTING_KEYS, *_MARGIN_KEYS)),
        }

    def with_margins(
        self, positions: Sequence[Structure], exchange_positions: Sequence[Row]
    ) -> list[Structure]:
        """Returns positions with what the exchange says of the margin of theirs.

        A part of a position at the exchange is without the amounts of the whole.
        """
        theirs = {(row.get("symbol"), row.get("side")): row for row in exchange_positions}
        result = []
        for position in positions:
            row = theirs.get((position["symbol"], position["side"]), {})
            is_whole = self._exact(row.get("contracts")) == position["contracts"]
            names = (*_SETTING_KEYS, *_MARGIN_KEYS) if is_whole else _SETTING_KEYS
            result.append({**position, **{name: self._exact(row.get(name)) for name in names}})
        return result

    def _exact(self, value: Any) -> Any:
        """Returns a value of the exchange, a number as those of the gateway."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return self.number(format_decimal(value)) if is_number else value

    def _contract_size(self, row: Row) -> Decimal:
        return self.contract_sizes.get(str(row.get("symbol")), Decimal(1))

    def _contracts(self, row: Row, qty: Decimal | None) -> Any:
        """Returns a quantity in contracts."""
        if qty is None:
            return None
        return self._number(_EXACT.divide(qty, self._contract_size(row)))

    def _status(self, row: Row) -> str:
        states = {str(row.get("status")).upper(), str(row.get("state")).upper()}
        if self.dialect == CCXT and "EXPIRED" in states:
            return "expired"
        return _STATUSES.get(str(row.get("status")).upper(), "open")

    def _fee(self, row: Row) -> Structure | None:
        cost = _decimal(row, "fee")
        if cost is None:
            return None
        return {"cost": self._number(cost), "currency": row.get("fee_currency")}

    def _value(self, row: Row, key: str) -> Any:
        return self._number(_decimal(row, key))

    def _number(self, value: Decimal | None) -> Any:
        return None if value is None else self.number(format_decimal(value))


def _times(timestamp_ms: int | None) -> Structure:
    return {"timestamp": timestamp_ms, "datetime": iso8601(timestamp_ms)}


def _cost(qty: Decimal | None, price: Decimal | None) -> Decimal | None:
    if qty == 0:
        return _ZERO
    return None if qty is None or price is None else _EXACT.multiply(qty, price)


def _decimal(row: Row, key: str) -> Decimal | None:
    value = row.get(key)
    if value is None:
        return None
    try:
        return Decimal(format_decimal(value))
    except ValueError:
        return None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _lower(value: Any) -> str | None:
    return None if value is None else str(value).lower()
