"""Canonical JSON of the exchange state and its SHA-256: equal states have equal text.

Keys are sorted, decimals are plain text, times are in UTC with microseconds. ``encode_books``
leaves orders and markets out: these are stored in rows of their own, so that a step rewrites only
what it touched.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any

from oms.domain.money import decimal_text
from oms.domain.orders.order import Side
from oms.domain.times import utc_text as _time
from oms.domain.value import value
from oms.simulation.account.funding_schedule import next_funding_at
from oms.simulation.state.contract_overrides import ContractOverrides
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.in_flight import InFlight
from oms.simulation.state.paper_account import Balance, PaperPosition
from oms.simulation.state.paper_market import BookSide, Market
from oms.simulation.state.paper_order import (
    PLAIN_TERMS,
    Leg,
    OrderSource,
    OrderTerms,
    PaperOrder,
    PaperTrade,
    QueuePosition,
)
from oms.simulation.state.value_codec import decode, encode

_encode = json.JSONEncoder(separators=(",", ":"), sort_keys=True, ensure_ascii=True).encode

_quoted_name = lru_cache(maxsize=4096)(_quoted)
"""Return a text that many rows have as JSON."""

Fields = dict[str, Any]
"""A JSON object of our own text, whose form is known."""


def encode_state(state: ExchangeState) -> str:
    """Returns the JSON of the whole state."""
    orders = (order for held in state.orders.values() for order in held.values())
    return _encode(
        _books(state)
        | {
            "orders": {order.exchange_order_id: _order(order) for order in orders},
            "markets": {symbol: _market(market) for symbol, market in state.markets.items()},
        }
    )


def state_hash(state: ExchangeState) -> str:
    """Returns the SHA-256 of ``encode_state`` in hex."""
    return sha256_hex(encode_state(state))


def sha256_hex(text: str) -> str:
    """Returns the SHA-256 of a text in hex."""
    return sha256(text.encode()).hexdigest()


def decode_state(text: str) -> ExchangeState:
    """Returns the state that ``encode_state`` was given."""
    fields = json.loads(text)
    return _assembled(
        fields,
        (_order_read(row) for row in fields["orders"].values()),
        (_market_read(symbol, row) for symbol, row in fields["markets"].items()),
    )


@value
class StoredState:
    """A state as it is stored: JSON of the books, of each open order, and of markets by symbol."""

    books: str
    orders: Iterable[str]
    markets: Mapping[str, str]

    def state(self) -> ExchangeState:
        """Returns the state assembled from the parts."""
        return _assembled(
            json.loads(self.books),
            (_order_read(json.loads(text)) for text in self.orders),
            (_market_read(symbol, json.loads(text)) for symbol, text in self.markets.items()),
        )


def encode_books(state: ExchangeState) -> str:
    """Returns the JSON of balances, positions, counters, clock and messages in flight."""
    return _encode(_books(state))


def encode_order(order: PaperOrder) -> str:
    """Returns the JSON of one open order."""
    return _encode(_order(order))


def encode_market(market: Market) -> str:
    """Returns the JSON of one market without its symbol."""
    return _encode(_market(market))


def decode_market(symbol: str, text: str) -> Market:
    """Returns the market that ``encode_market`` was given; other keys are ignored."""
    return _market_read(symbol, json.loads(text))


def encode_trade(trade: PaperTrade) -> str:
    """Returns the JSON of one execution; without a JSON encoder, because each fill needs it."""
    parent = f'"parent":{_quoted(trade.parent)},' if trade.parent else ""
    is_users = trade.source is OrderSource.USER
    source = "" if is_users else f'"source":{_quoted(trade.source)},'
    return (
        f'{{"client_id":{_quoted(trade.client_id)}'
        f',"exchange_order_id":{_quoted(trade.exchange_order_id)}'
        f',"executed_at":"{_time(trade.executed_at)}"'
        f',"extrapolated":{"true" if trade.extrapolated else "false"}'
        f',"fee":"{decimal_text(trade.fee)}","fee_currency":{_quoted_name(trade.fee_currency)}'
        f',"leg":{_quoted_name(trade.leg)},"maker":{"true" if trade.maker else "false"}'
        f',{parent}"price":"{decimal_text(trade.price)}","qty":"{decimal_text(trade.qty)}"'
        f',"realised":"{decimal_text(trade.realised)}","side":{_quoted_name(trade.side)}'
        f',{source}"symbol":{_quoted_name(trade.symbol)},"trade_id":{_quoted(trade.trade_id)}}}'
    )


def _books(state: ExchangeState) -> Fields:
    return {
        "balances": {
            currency: [decimal_text(balance.free), decimal_text(balance.used)]
            for currency, balance in state.balances.items()
        },
        "positions": [_position(state.positions[key]) for key in sorted(state.positions)],
        "orders_made": state.orders_made,
        "trades_made": state.trades_made,
        "version": state.version,
        "clock": _time(state.clock),
    } | _rare(state)


def _rare(state: ExchangeState) -> Fields:
    """Returns the parts that most accounts do not have."""
    rare = {
        "line": state.in_flight,
        "contracts": state.contracts,
        "volumes": state.volumes,
        "transfers_made": state.transfers_made,
    }
    return {name: encode(each) for name, each in rare.items() if each}


def _position(held: PaperPosition) -> list[str]:
    row = [
        held.symbol,
        held.leg,
        decimal_text(held.qty),
        decimal_text(held.cost),
        decimal_text(held.margin),
    ]
    return row if held.funded_at is None else [*row, _time(held.funded_at)]


def _position_read(row: list[str]) -> PaperPosition:
    symbol, leg, qty, cost, margin, *funded = row
    return PaperPosition(
        symbol=symbol,
        leg=Leg(leg),
        qty=Decimal(qty),
        cost=Decimal(cost),
        margin=Decimal(margin),
        funded_at=_time_read(funded[0]) if funded else None,
    )


def _assembled(
    books: Fields, orders: Iterable[PaperOrder], markets: Iterable[Market]
) -> ExchangeState:
    by_symbol: dict[str, dict[str, PaperOrder]] = {}
    for order in orders:
        by_symbol.setdefault(order.symbol, {})[order.exchange_order_id] = order
    orders_with_terms = {
        name: symbol
        for symbol, held in by_symbol.items()
        for name, order in held.items()
        if order.terms is not PLAIN_TERMS
    }
    positions = {
        (position.symbol, position.leg): position
        for position in map(_position_read, books["positions"])
    }
    return ExchangeState(
        balances={
            currency: Balance(free=Decimal(free), used=Decimal(used))
            for currency, (free, used) in books["balances"].items()
        },
        orders=by_symbol,
        positions=positions,
        next_funding_at=next_funding_at(positions),
        markets={market.symbol: market for market in markets},
        orders_made=books["orders_made"],
        trades_made=books["trades_made"],
        version=books["version"],
        clock=_time_read(books["clock"]),
        orders_with_terms=orders_with_terms,
        in_flight=decode(InFlight, books["line"]) if "line" in books else None,
        contracts=decode(Mapping[str, ContractOverrides], books.get("contracts", {})),
        volumes=decode(Mapping[str, Decimal], books.get("volumes", {})),
        transfers_made=books.get("transfers_made", 0),
    )


def _order(order: PaperOrder) -> Fields:
    rare = {
        "terms": None if order.terms is PLAIN_TERMS else encode(order.terms),
        "triggered_at": encode(order.triggered_at),
        "best": encode(order.best),
        "queue": encode(order.queue),
    }
    return {name: row for name, row in rare.items() if row is not None} | {
        "exchange_order_id": order.exchange_order_id,
        "client_id": order.client_id,
        "symbol": order.symbol,
        "side": order.side,
        "order_type": order.order_type,
        "qty": decimal_text(order.qty),
        "price": _optional(order.price),
        "leg": order.leg,
        "reduce_only": order.reduce_only,
        "post_only": order.post_only,
        "filled": decimal_text(order.filled),
        "value": decimal_text(order.value),
        "rank": order.rank,
        "locked": decimal_text(order.locked),
        "locked_currency": order.locked_currency,
        "created_at": _time(order.created_at),
    }


def _order_read(row: Fields) -> PaperOrder:
    return PaperOrder(
        exchange_order_id=row["exchange_order_id"],
        client_id=row["client_id"],
        symbol=row["symbol"],
        side=Side(row["side"]),
        order_type=row["order_type"],
        qty=Decimal(row["qty"]),
        price=_optional_read(row["price"]),
        leg=Leg(row["leg"]),
        reduce_only=row["reduce_only"],
        post_only=row["post_only"],
        filled=Decimal(row["filled"]),
        value=Decimal(row["value"]),
        rank=row["rank"],
        locked=Decimal(row["locked"]),
        locked_currency=row["locked_currency"],
        created_at=_time_read(row["created_at"]),
        terms=decode(OrderTerms, row["terms"]) if "terms" in row else PLAIN_TERMS,
        triggered_at=decode(datetime | None, row.get("triggered_at")),
        best=_optional_read(row.get("best")),
        queue=decode(QueuePosition | None, row.get("queue")),
    )


def _market(market: Market) -> Fields:
    return {
        "bids": _ladder(market.bids),
        "asks": _ladder(market.asks),
        "at": _time(market.at),
        "last": _optional(market.last),
        "mark": _optional(market.mark),
    }


def _market_read(symbol: str, row: Fields) -> Market:
    return Market(
        symbol=symbol,
        bids=_ladder_read(row["bids"]),
        asks=_ladder_read(row["asks"]),
        at=_time_read(row["at"]),
        last=_optional_read(row.get("last")),
        mark=_optional_read(row.get("mark")),
    )


def _ladder(book: BookSide) -> Fields:
    return {
        "levels": [[decimal_text(price), _optional(qty)] for price, qty in book.levels],
        "last": _optional(book.last),
        "shown": _optional(book.shown),
        "beyond": decimal_text(book.beyond),
    }


def _ladder_read(row: Fields) -> BookSide:
    return BookSide(
        levels=tuple((Decimal(price), _optional_read(qty)) for price, qty in row["levels"]),
        last=_optional_read(row["last"]),
        shown=_optional_read(row["shown"]),
        beyond=Decimal(row["beyond"]),
    )


def _optional(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value)


def _optional_read(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _time_read(text: str) -> datetime:
    return datetime.fromisoformat(text)
