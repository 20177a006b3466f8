"""The exchange port: where orders go. A paper exchange is an exchange.

An adapter answers with reports and never writes: what it must remember (a paper exchange has a
memory of its own) it hands out by ``changed_memory``, to be stored in the transaction that stores
the reports. After a failed transaction the adapter object is dropped and made anew from the store.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from oms.domain.errors import Refused
from oms.domain.instrument import Instrument
from oms.domain.orders.execution_report import Charge, ExecutionReport
from oms.domain.orders.order import Order, Side
from oms.domain.reconcile.position_comparison import HoldingKey
from oms.domain.value import value


@value
class AttemptRow:
    """One request about an order, stored before it is sent.

    ``client_id`` is the name the exchange sees, ``request`` JSON text. ``outcome`` is ``acked``,
    ``rejected``, ``not_sent`` or ``unknown``; ``None`` while it is on its way.
    """

    order_id: int
    attempt: int
    #: ``place``, ``change`` or ``cancel``.
    kind: str
    client_id: str
    request: str
    may_send_until: datetime
    exchange_order_id: str | None = None
    sent_at: datetime | None = None
    acked_at: datetime | None = None
    outcome: str | None = None
    code: str | None = None
    created_at: datetime


@value
class ExchangeStateRows:
    """The stored memory of an exchange, or what of it changed; all texts are JSON.

    ``None`` in ``orders`` deletes the row. ``trades`` are new and never change. Real exchanges
    remember ``attempts`` alone: those of open orders when a home is furnished.
    """

    state: str | None = None
    state_hash: str = ""
    version: int = 0
    orders: Mapping[str, str | None] = field(default_factory=dict)
    trades: Sequence["TradeRow"] = ()
    prices: Mapping[str, str] = field(default_factory=dict)
    attempts: Sequence[AttemptRow] = ()


@value
class TradeRow:
    """One execution in the paper exchange's own books."""

    trade_id: str
    symbol: str
    executed_at: datetime
    trade: str


PriceLevel = tuple[Decimal, Decimal | None]
"""A price and the quantity offered there; ``None`` is without limit."""


@value
class Quote:
    """Best prices of a symbol; ``None`` depth is without limit."""

    symbol: str
    bid: Decimal
    ask: Decimal
    bid_qty: Decimal | None
    ask_qty: Decimal | None
    #: The whole book, best levels first, where more than the best prices is told.
    bids: tuple[PriceLevel, ...] = ()
    asks: tuple[PriceLevel, ...] = ()
    at: datetime


@value
class PublicTrade:
    """A trade of others; ``side`` is the taker's."""

    symbol: str
    price: Decimal
    qty: Decimal
    side: Side | None
    at: datetime


@value
class StalePrice:
    """A symbol in use whose price is too old to trade at, and how old it is."""

    symbol: str
    age_ms: int


@value
class RawExchangeRow:
    """An order or an execution in ccxt's shape, as it was read; kept as evidence."""

    is_order: bool
    row: Mapping[str, object]


@value
class ExchangeSnapshot:
    """An account as the exchange shows it at one moment, its trades from ``since`` on.

    ``orders`` and ``trades`` are reports like any other, trades with their symbol; ``holdings`` are
    the contracts held, signed, by symbol and, where the exchange holds two legs, by side. ``raw``
    are the rows it was read from; ``None`` where they are asked for by ``call``. ``balances`` are
    totals by currency; ``None`` where they are not told.
    """

    since: datetime
    #: The end of what was asked for; ``None`` is now.
    until: datetime | None = None
    orders: Sequence[ExecutionReport]
    trades: Sequence[tuple[str, ExecutionReport]]
    holdings: Mapping[HoldingKey, Decimal]
    raw: Sequence[RawExchangeRow] | None = None
    balances: Mapping[str, Decimal] | None = None
    #: From when on every execution of the account is among ``trades``; ``None``: nobody knows.
    trades_whole_from: datetime | None = None
    #: From when on executions are told at all, where that is later than ``since``.
    reaches_from: datetime | None = None
    #: Whether the exchange account holds a long and a short leg; ``None``: it does not say.
    has_legs: bool | None = None


@value
class DirectTradeResult:
    """What a trading call did: its answer in ccxt's shape, or why there is none, and what is told.

    Reports are those of the exchange whatever the answer is.
    """

    value: object = None
    refused: Refused | None = None
    reports: Sequence[ExecutionReport] = ()


class StreamState(StrEnum):
    """How the streams of an account stand; without one it is only read in turns."""

    NONE = "none"
    CONNECTING = "connecting"
    CONNECTED = "connected"


@value
class ConnectionState:
    """How an exchange is reached, as its worker sees it now; times are UTC.

    ``hosts_called`` are host and port in the order of their first call. What streams would have
    told in a gap is read instead.
    """

    engine: str
    environment: str
    hosts_called: tuple[str, ...] = ()
    last_call_at: datetime | None = None
    stream: StreamState = StreamState.NONE
    #: The last fact that a stream told, and how often streams broke.
    last_event_at: datetime | None = None
    gaps: int = 0
    #: All that happened until then was read; ``None`` before the first reading.
    reconciled_at: datetime | None = None
    #: Where the prices of a paper account come from, in words, and why none come.
    prices: str | None = None
    prices_unavailable: Refused | None = None


@value
class OrderQueryResult:
    """What one look for an order told at once, or why nothing was found out."""

    reports: Sequence[ExecutionReport] = ()
    refused: Refused | None = None


class Exchange(Protocol):
    """One account at one exchange, as its worker sees it.

    ``now`` is the time of the request. Reports of one answer are in the order of their facts and
    may concern other orders than the one named, also orders that the exchange made by itself
    (``order_id`` 0; each report about such a one says what it is). An answer without a report about
    the order named means that it is on its way: a later ``advance`` tells it.
    """

    def instruments(self) -> Mapping[str, Instrument]:
        """All instruments by symbol."""
        ...

    def quote(self, symbol: str, now: datetime) -> Quote | None:
        """The best prices now, ``None`` where no price is known."""
        ...

    async def place(self, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        """Send ``order``; a rejection is a report too, a lost answer one of kind ``unknown``."""
        ...

    async def change(
        self, order: Order, price: Decimal | None, qty: Decimal | None, now: datetime
    ) -> Sequence[ExecutionReport]:
        """Change price and/or total quantity; a ``rejected`` report means: not changed."""
        ...

    async def cancel(self, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        """Cancel what is left of ``order``; a ``rejected`` report means: not canceled."""
        ...

    async def ask(self, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        """Look up an order whose answer was lost; ``not_placed`` if the exchange never got it."""
        ...

    async def find(
        self, order: Order, exchange_order_id: str | None, now: datetime
    ) -> OrderQueryResult:
        """One look for an order now; under the id given, it is that order from now on.

        Refused with ``order_not_found`` or ``conflict`` where the id is none of it, with another
        code where the exchange cannot be read. What was found may be told by ``advance`` instead.
        """
        ...

    def declare_not_placed(self, order: Order, now: datetime) -> None:
        """An operator says that the order was never placed; should it turn up, it is told."""
        ...

    async def snapshot(self, since: datetime, now: datetime) -> ExchangeSnapshot:
        """All open orders, executions from ``since`` on (UTC, inclusive), and what is held."""
        ...

    async def poll_reports(self, now: datetime) -> Sequence[ExecutionReport]:
        """What happened by itself since the last call (a paper market moved, an order expired)."""
        ...

    def needs_polling(self) -> bool:
        """Whether ``advance`` may have anything to tell: open orders, contracts, late answers."""
        ...

    def take_charges(self) -> Sequence[Charge]:
        """Payments that were told with the reports since the last call, and then are forgotten.

        The first money of a new paper account is none of them.
        """
        ...

    def set_price(self, quote: Quote) -> Sequence[ExecutionReport]:
        """Manual price (paper only); raises ``Conflict`` where the source is not manual."""
        ...

    def set_public_trade(self, trade: PublicTrade) -> Sequence[ExecutionReport]:
        """Manual trade of others (paper only); raises as ``set_price``."""
        ...

    def deposit(self, currency: str, amount: Decimal, now: datetime) -> Sequence[ExecutionReport]:
        """Pay money in, or below zero out (paper only).

        Raises ``Conflict`` with code ``insufficient_funds`` for what is not free.
        """
        ...

    async def reset(
        self, balances: Mapping[str, Decimal] | None, now: datetime
    ) -> Sequence[ExecutionReport]:
        """Cancel all, close all at the mark and begin with ``balances`` (paper only).

        ``None``: those of the account's settings. Raises ``Invalid`` for a negative balance.
        """
        ...

    async def call(
        self, func: str, args: Sequence[object], kwargs: Mapping[str, object], now: datetime
    ) -> object:
        """A ccxt method by its snake_case name; the answer in ccxt's shape, plain JSON values.

        Raises ``Invalid`` with code ``unsupported_func`` for what the exchange does not answer.
        """
        ...

    async def trade(
        self, func: str, args: Sequence[object], kwargs: Mapping[str, object], now: datetime
    ) -> DirectTradeResult:
        """A ccxt method that changes something, past the ledger: its orders are not ours.

        What the exchange has no such method for is refused with code ``unsupported_func``.
        """
        ...

    def take_state_changes(self) -> ExchangeStateRows | None:
        """What changed since the last call and must be stored with the reports."""
        ...

    def on_committed(self) -> None:
        """All that ``changed_memory`` handed out is durable: what waited for that may be sent."""
        ...

    def sends_after_commit(self) -> bool:
        """Whether requests are only taken down: they are sent once stored, and told by ``advance``.

        Until its outcome is told a command is running. A paper exchange answers at once.
        """
        ...

    def is_ready(self) -> bool:
        """Whether commands may run now; until then they wait in their queue."""
        ...

    def unavailable_reason(self) -> Refused | None:
        """Why nothing can be sent now, though it is ready; ``None`` when all is well."""
        ...

    def take_stale_prices(self) -> Sequence[StalePrice]:
        """Symbols in use whose price has become too old, told since the last call (paper only)."""
        ...

    def connection(self) -> ConnectionState:
        """How it is reached now; takes no time."""
        ...

    def start_snapshot(self, since: datetime, until: datetime | None = None) -> None:
        """Begin to read a whole ``snapshot`` where that takes time; ``swept`` tells it.

        With ``until`` executions are read up to then only.
        """
        ...

    def take_snapshots(self) -> Sequence[ExchangeSnapshot]:
        """Snapshots that were read since the last call, also those it read by itself."""
        ...

    async def close(self) -> None:
        """Stop everything that goes on by itself. What was not told yet is asked for later."""
        ...
