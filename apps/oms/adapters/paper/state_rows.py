"""Stored rows of the exchange state: writes what changed, loads what was stored.

Open orders and markets are a row each, the rest is one small row. Markets of a random walk are not
stored: they are computed, and depth consumed from them lasts for their step only.
"""

import json
from collections.abc import Callable, Iterable
from decimal import Decimal

from oms.domain.side import Side
from oms.domain.value import constructor
from oms.ports.exchange import ExchangeStateRows, TradeRow
from oms.simulation.invariants import InvariantBroken
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.paper_order import Leg, OrderSource, PaperOrder, PaperTrade
from oms.simulation.state.state_json import (
    StoredState,
    encode_books,
    encode_market,
    encode_order,
    encode_trade,
    sha256_hex,
)
from oms.simulation.step_result import StepResult

_new_row = constructor(TradeRow)


def load_state(rows: ExchangeStateRows, is_stored: Callable[[str], bool]) -> ExchangeState | None:
    """Returns the stored state; ``None`` for an exchange that has none yet.

    Raises ``InvariantBroken`` if the state is not what was written.
    """
    if rows.state is None:
        return None
    if rows.state_hash and rows.state_hash != sha256_hex(rows.state):
        raise InvariantBroken("the stored state of the paper exchange is not what was written")
    orders = [text for text in rows.orders.values() if text is not None]
    markets = {symbol: text for symbol, text in rows.prices.items() if is_stored(symbol)}
    return StoredState(books=rows.state, orders=orders, markets=markets).state()


class UnsavedChanges:
    """Changes of steps that are not stored yet."""

    def __init__(self, is_stored: Callable[[str], bool]) -> None:
        self._is_stored = is_stored
        self._books = False
        self._orders: dict[str, PaperOrder | None] = {}
        self._trades: list[PaperTrade] = []
        self._markets: set[str] = set()

    def add(self, step: StepResult, trades: Iterable[PaperTrade]) -> None:
        """Adds what ``step`` changed, and its ``trades``."""
        changes = step.changes
        self._markets |= changes.markets
        if changes.books:
            self._books = True
            self._orders.update(changes.orders)
            self._trades += trades

    def take(self, state: ExchangeState) -> ExchangeStateRows | None:
        """Returns the rows to write, each in its latest form, and clears the changes."""
        markets = set(filter(self._is_stored, self._markets))
        if not self._books and not markets:
            return None
        books = encode_books(state)
        rows = ExchangeStateRows(
            state=books,
            state_hash=sha256_hex(books),
            version=state.version,
            orders={
                name: None if order is None else encode_order(order)
                for name, order in self._orders.items()
            },
            trades=tuple(_trade_row(trade) for trade in self._trades),
            prices={symbol: encode_market(state.markets[symbol]) for symbol in markets},
        )
        self._books, self._orders, self._trades, self._markets = False, {}, [], set()
        return rows


def _trade_row(trade: PaperTrade) -> TradeRow:
    return _new_row(
        trade_id=trade.trade_id,
        symbol=trade.symbol,
        executed_at=trade.executed_at,
        trade=encode_trade(trade),
    )


def trade_from_row(row: TradeRow) -> PaperTrade:
    """Returns the execution of a row."""
    fields = json.loads(row.trade)
    return PaperTrade(
        trade_id=fields["trade_id"],
        exchange_order_id=fields["exchange_order_id"],
        client_id=fields["client_id"],
        symbol=fields["symbol"],
        side=Side(fields["side"]),
        leg=Leg(fields["leg"]),
        qty=Decimal(fields["qty"]),
        price=Decimal(fields["price"]),
        fee=Decimal(fields["fee"]),
        fee_currency=fields["fee_currency"],
        maker=fields["maker"],
        extrapolated=fields["extrapolated"],
        realised=Decimal(fields["realised"]),
        executed_at=row.executed_at,
        source=OrderSource(fields.get("source", OrderSource.USER)),
        parent=fields.get("parent", ""),
    )
