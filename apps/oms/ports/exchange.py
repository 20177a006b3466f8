"""The exchange port. Paper exchanges implement it like real ones.

An adapter returns execution reports and writes nothing: state that it must keep is returned by
``take_state_changes`` and stored in the transaction of the reports. After a failed transaction the
adapter object is discarded and recreated from the stored state.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from oms.domain.errors import Refused
from oms.domain.instrument import Instrument
from oms.domain.market_hours import MarketHours
from oms.domain.orders.execution_report import Charge, ExecutionReport
from oms.domain.orders.order import Order
from oms.domain.orders.order_terms import NewTerms
from oms.domain.performance.balances import Balances
from oms.domain.quotes import PublicTrade, Quote
from oms.domain.reconcile.position_comparison import HoldingKey
from oms.domain.trading_terms import TradingTerms
from oms.domain.value import value


@value
class AttemptRow:
    """One request about an order, stored before it is sent.

    ``client_id`` is the client order id at the exchange, ``request`` JSON text. ``outcome`` is
    ``acked``, ``rejected``, ``not_sent`` or ``unknown``; ``None`` while in flight.
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
    """Stored state of an exchange, or the changes of it; all texts are JSON.

    ``None`` in ``orders`` deletes the row. ``trades`` are new and never change. Real exchanges
    store ``attempts``, of which those of open orders are loaded with the account, ``prices``,
    ``instruments`` and ``balances``.
    """

    state: str | None = None
    state_hash: str = ""
    version: int = 0
    orders: Mapping[str, str | None] = field(default_factory=dict)
    trades: Sequence["TradeRow"] = ()
    prices: Mapping[str, str] = field(default_factory=dict)
    attempts: Sequence[AttemptRow] = ()
    #: By symbol, the instruments with which orders and deals were checked and booked.
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    #: The wallet as the exchange reported it; never loaded.
    balances: Balances | None = None


@value
class TradeRow:
    """One execution in the paper exchange's own records."""

    trade_id: str
    symbol: str
    executed_at: datetime
    trade: str


@value
class StalePrice:
    """A symbol in use whose price is too old to trade at, with its age."""

    symbol: str
    age_ms: int


@value
class RawExchangeRow:
    """An order or an execution in ccxt's format as received; stored for diagnosis."""

    is_order: bool
    row: Mapping[str, object]


@value
class ExchangeSnapshot:
    """State of an account at the exchange at one time, with its trades from ``since`` on.

    ``orders`` and ``trades`` are execution reports, trades with their symbol; ``holdings`` are
    signed contract quantities by symbol and, if the exchange holds two legs, by side. ``raw`` are
    the rows as received; ``None`` if ``call`` returns them. ``balances`` are totals by currency;
    ``None`` if not reported. ``averages`` are entries of holdings that have one. ``request`` is the
    number of the last request before its reading began.
    """

    since: datetime
    #: End of the requested period; ``None``: now.
    until: datetime | None = None
    orders: Sequence[ExecutionReport]
    trades: Sequence[tuple[str, ExecutionReport]]
    holdings: Mapping[HoldingKey, Decimal]
    raw: Sequence[RawExchangeRow] | None = None
    balances: Mapping[str, Decimal] | None = None
    averages: Mapping[HoldingKey, Decimal] = field(default_factory=dict)
    #: From this time on ``trades`` is complete for the account; ``None``: unknown.
    trades_whole_from: datetime | None = None
    #: Start of the available history, if later than ``since``.
    reaches_from: datetime | None = None
    #: Whether the exchange account holds long and short legs; ``None``: not reported.
    has_legs: bool | None = None
    #: Funding payments read, charges too, and from when on they are all; ``None``: unknown.
    funding: Sequence[Charge] = ()
    funding_whole_from: datetime | None = None
    request: int = 0


@value
class DirectTradeResult:
    """Result of a trading call: its response in ccxt's format or a refusal, and execution reports.

    Reports are valid whatever the response is.
    """

    value: object = None
    refused: Refused | None = None
    reports: Sequence[ExecutionReport] = ()


class StreamState(StrEnum):
    """State of the account's streams; without streams the account is polled."""

    NONE = "none"
    CONNECTING = "connecting"
    CONNECTED = "connected"


@value
class ConnectionState:
    """Connection status of an exchange; times are UTC.

    ``hosts_called`` are host and port in the order of their first call. Events missed in a stream
    gap are polled.
    """

    engine: str
    environment: str
    hosts_called: tuple[str, ...] = ()
    last_call_at: datetime | None = None
    stream: StreamState = StreamState.NONE
    #: Time of the last stream event, and number of stream interruptions.
    last_event_at: datetime | None = None
    gaps: int = 0
    #: All events until then have been read; ``None`` before the first reconciliation.
    reconciled_at: datetime | None = None
    #: Price source of a paper account, and why it has no prices.
    prices: str | None = None
    prices_unavailable: Refused | None = None
    #: Why the exchange's list of funding payments cannot be read; the rest of the account is.
    funding_unavailable: Refused | None = None


@value
class OrderQueryResult:
    """Result of one order query: reports, or why it failed."""

    reports: Sequence[ExecutionReport] = ()
    refused: Refused | None = None


class Exchange(Protocol):
    """One account at one exchange, as used by its worker.

    ``now`` is the time of the request. Reports of a response, in the order of their facts, may be
    of other orders too (``order_id`` 0: of the exchange). A missing one follows at the next poll.
    """

    def instruments(self) -> Mapping[str, Instrument]:
        """Return all instruments by symbol."""
        ...

    def quote(self, symbol: str, now: datetime) -> Quote | None:
        """Return the current best prices, ``None`` if unknown."""
        ...

    async def fetch_quote(self, symbol: str, now: datetime) -> Quote | None:
        """Return the current best prices, reading them if needed; ``None`` if unavailable."""
        ...

    def holds_exits(self, symbol: str) -> bool:
        """Return whether reduce-only stop and take-profit orders rest there and act alone."""
        ...

    def holds_trailing(self, symbol: str, percent: Decimal | None, amount: Decimal | None) -> bool:
        """Return whether reduce-only trailing stop orders with the distance rest there as well."""
        ...

    def attaches_exits(self, symbol: str) -> bool:
        """Return whether exits sent with an order become orders that close what it fills."""
        ...

    def terms(self, symbol: str) -> TradingTerms | None:
        """Return fee rates and leverage of a symbol, ``None`` if they are not known."""
        ...

    async def place(self, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        """Send ``order``; a rejection is a report, a lost response one of kind ``unknown``."""
        ...

    async def change(
        self,
        order: Order,
        price: Decimal | None,
        qty: Decimal | None,
        now: datetime,
        terms: NewTerms | None = None,
    ) -> Sequence[ExecutionReport]:
        """Change price, total quantity, other terms; a ``rejected`` report means: not changed."""
        ...

    async def cancel(self, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        """Cancel the rest of ``order``; a ``rejected`` report means: not canceled."""
        ...

    async def query_order(self, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        """Query an order with unknown outcome; ``not_placed`` if the exchange never received it."""
        ...

    async def find_order(
        self, order: Order, exchange_order_id: str | None, now: datetime
    ) -> OrderQueryResult:
        """Query an order immediately; with an exchange id, the order is that one from now on.

        Refused with ``order_not_found`` or ``conflict`` if the id does not fit, with another code
        if the exchange cannot be read. Reports may be returned by ``poll_reports`` instead.
        """
        ...

    def declare_not_placed(self, order: Order, now: datetime) -> None:
        """Record that an operator declared the order not placed.

        Reported if it appears after all.
        """
        ...

    async def snapshot(self, since: datetime, now: datetime) -> ExchangeSnapshot:
        """Return open orders, executions from ``since`` on (UTC, inclusive), and holdings."""
        ...

    async def poll_reports(self, now: datetime) -> Sequence[ExecutionReport]:
        """Return reports since the last call that no request caused: market moves, expiry."""
        ...

    def needs_polling(self) -> bool:
        """Return whether ``poll_reports`` may return anything: open orders, contracts, late
        responses.
        """
        ...

    def take_charges(self) -> Sequence[Charge]:
        """Return and forget payments that were received with the reports since the last call.

        The initial balance of a new paper account is not included.
        """
        ...

    def take_state_changes(self) -> ExchangeStateRows | None:
        """Return state changes since the last call, to be stored with the reports."""
        ...

    def needs_commit(self) -> bool:
        """Return whether requests wait to be stored that no command and no report carries."""
        ...

    def on_committed(self) -> None:
        """Called when what ``take_state_changes`` returned is durable: requests may be sent."""
        ...

    def sends_after_commit(self) -> bool:
        """Return whether requests are only recorded, sent after the commit, and reported later.

        Their commands stay running until ``poll_reports`` returns the outcome. A paper exchange
        responds immediately.
        """
        ...

    def is_ready(self) -> bool:
        """Return whether commands may run now; until then they wait in their queue."""
        ...

    def unavailable_reason(self) -> Refused | None:
        """Return why nothing can be sent now although ready; ``None`` if available."""
        ...

    def connection(self) -> ConnectionState:
        """Return the connection status; does no I/O."""
        ...

    def start_snapshot(
        self, since: datetime, until: datetime | None = None, symbols: Collection[str] = ()
    ) -> int:
        """Start to read a ``snapshot`` for ``take_snapshots``; return the number of the request.

        With ``until`` executions are read up to then only. ``symbols`` are read in any case, where
        the exchange lists nothing without one.
        """
        ...

    def take_snapshots(self) -> Sequence[ExchangeSnapshot]:
        """Return snapshots completed since the last call, including scheduled ones."""
        ...

    async def close(self) -> None:
        """Stop all background tasks. Unreported events are queried after the next start."""
        ...


class PaperExchangeControls(Protocol):
    """Controls of a paper exchange that a real exchange does not have."""

    def set_price(self, quote: Quote) -> Sequence[ExecutionReport]:
        """Set a manual price; raises ``Conflict`` if the source is not manual."""
        ...

    def set_public_trade(self, trade: PublicTrade) -> Sequence[ExecutionReport]:
        """Set a manual public trade; raises as ``set_price``."""
        ...

    def deposit(self, currency: str, amount: Decimal, now: datetime) -> Sequence[ExecutionReport]:
        """Deposit money, or withdraw if negative.

        Raises ``Conflict`` with code ``insufficient_funds`` if not enough is free.
        """
        ...

    async def reset(
        self, balances: Mapping[str, Decimal] | None, now: datetime
    ) -> Sequence[ExecutionReport]:
        """Cancel all orders, close all positions at the mark and start with ``balances`` (paper
        only).

        ``None``: the configured balances. Raises ``Invalid`` for a negative balance.
        """
        ...

    def market_hours(self, symbol: str, at: datetime) -> MarketHours | None:
        """Return the hours of a symbol's market; ``None`` if it always trades.

        Raises ``UnknownHours``.
        """
        ...

    def take_stale_prices(self) -> Sequence[StalePrice]:
        """Return symbols in use whose price became too old since the last call."""
        ...


class CcxtCalls(Protocol):
    """Calls of ccxt methods on the account's exchange, for the ccxt gateway."""

    async def call(
        self, func: str, args: Sequence[object], kwargs: Mapping[str, object], now: datetime
    ) -> object:
        """Call a ccxt method by its snake_case name; returns ccxt's format as JSON values.

        Raises ``Invalid`` with code ``unsupported_func`` if the exchange does not support it.
        """
        ...

    async def trade(
        self, func: str, args: Sequence[object], kwargs: Mapping[str, object], now: datetime
    ) -> DirectTradeResult:
        """Call a ccxt method that changes state, bypassing the ledger: its orders are external.

        Refused with code ``unsupported_func`` if the exchange does not support it.
        """
        ...


@value
class ExchangePorts:
    """The ports of one account's exchange; usually implemented by one object."""

    trading: Exchange
    calls: CcxtCalls
    #: ``None`` for a real exchange.
    paper: PaperExchangeControls | None = None
