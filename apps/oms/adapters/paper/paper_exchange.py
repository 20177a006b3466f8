"""``PaperExchange``: the simulation of one account behind the exchange port.

A request is processed after resting orders are filled at the market of ``now``. Reports are of
*delivered* events, which may be late, doubled or lost. ``take_state_changes`` returns what is new.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from oms.adapters.paper.account_snapshot import build_snapshot
from oms.adapters.paper.execution_reports import PaperReportBuilder, build_rejection, build_report
from oms.adapters.paper.market_data.price_sources import (
    DEFAULT_TAPE_FOLDER,
    PriceSource,
    describe_price_sources,
)
from oms.adapters.paper.market_data.quote_updates import quote_to_update
from oms.adapters.paper.order_requests import build_change_request, build_order_request
from oms.adapters.paper.paper_engine import PaperEngine
from oms.adapters.paper.simulation_settings import LIVE_PRICE_AGE
from oms.adapters.paper.unified_api.dispatch import call_method
from oms.adapters.paper.unified_api.trading import PaperTrading
from oms.domain.account import Account, PositionMode
from oms.domain.errors import Conflict, Invalid, Refused
from oms.domain.instrument import Instrument
from oms.domain.market_hours import MarketHours
from oms.domain.money import ZERO
from oms.domain.orders.execution_report import Charge, ExecutionReport, ReportKind, ReportSource
from oms.domain.orders.order import Order
from oms.domain.orders.order_terms import NewTerms
from oms.domain.quotes import PublicTrade, Quote
from oms.domain.trading_terms import TradingTerms
from oms.ports.exchange import (
    ConnectionState,
    DirectTradeResult,
    ExchangeSnapshot,
    ExchangeStateRows,
    OrderQueryResult,
    StalePrice,
)
from oms.ports.history_reads import HistoryReads
from oms.ports.market.trading_calendar import TradingCalendar
from oms.ports.price_feed import PriceFeed
from oms.simulation.events import Rejected
from oms.simulation.inputs import (
    CancelOrder,
    Deposit,
    NewOrder,
    NewOrderPair,
    QueryOrder,
    Reset,
    TradeTick,
    Withdraw,
)
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.state_json import state_hash
from oms.simulation.step_result import ReplyOutcome, StepResult


class PaperExchange:
    """One account at the paper exchange; an ``Exchange`` of the port."""

    def __init__(
        self, account: Account, engine: PaperEngine, history: HistoryReads | None = None
    ) -> None:
        self._account = account
        self._history = history
        self._engine = engine
        self._reporter = PaperReportBuilder()
        self._stale: list[StalePrice] = []
        #: Whether the exchange nets contracts that the account holds separately.
        self._is_virtual = not (
            account.position_mode is PositionMode.NETTING or engine.settings.hedge
        )

    @classmethod
    def restore(
        cls,
        account: Account,
        rows: ExchangeStateRows,
        tapes: Path = DEFAULT_TAPE_FOLDER,
        history: HistoryReads | None = None,
        feed: PriceFeed | None = None,
        live_age: timedelta = LIVE_PRICE_AGE,
        calendar: TradingCalendar | None = None,
    ) -> "PaperExchange":
        """Restores the account's exchange; without stored rows it has its initial balances.

        ``history`` reads finished orders of the ledger. Symbols of the source ``live`` have the
        prices of ``feed``, none older than ``live_age``; stocks trade in the sessions of
        ``calendar`` only. Raises ``InvariantBroken`` if the rows are not what was written,
        ``Invalid`` if the settings name an unknown price source.
        """
        return cls(account, PaperEngine(account, rows, tapes, feed, live_age, calendar), history)

    def instruments(self) -> Mapping[str, Instrument]:
        """Returns all instruments by symbol."""
        return self._engine.settings.instruments

    def quote(self, symbol: str, now: datetime) -> Quote | None:
        """Returns the current best prices less what was consumed; ``None`` if unknown."""
        return self._engine.quote(symbol, now)

    async def fetch_quote(self, symbol: str, now: datetime) -> Quote | None:
        """Returns the same as ``quote``: nothing is read for it."""
        return self.quote(symbol, now)

    def holds_exits(self, symbol: str) -> bool:
        """Returns whether it is a contract: the engine triggers its orders itself."""
        return ":" in symbol

    def holds_trailing(self, symbol: str, percent: Decimal | None, amount: Decimal | None) -> bool:
        """Returns ``False``: the gateway watches trailing stops of paper accounts."""
        return False

    def attaches_exits(self, symbol: str) -> bool:
        """Returns ``True``: the engine does for all symbols."""
        return True

    def terms(self, symbol: str) -> TradingTerms | None:
        """Returns the fees below all tiers, and the leverage in force."""
        return self._engine.terms(symbol)

    async def place(self, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        """Places ``order`` and returns reports; none on it means that its reply is in flight.

        A rejection is a report as well; a lost reply is a report of kind ``unknown``.
        """
        try:
            instrument = self._engine.settings.instruments[order.symbol]
            request = build_order_request(order, instrument, now, is_virtual=self._is_virtual)
        except Invalid as error:
            return [build_rejection(order, error.code, error.message, now)]
        steps = self._engine.update_market(order.symbol, now)
        result = self._engine.step(request)
        steps.append(result)
        reports = self._reports(steps, now, order)
        outcome = result.reply.outcome
        if outcome is ReplyOutcome.DELIVERED:
            return reports
        if outcome is ReplyOutcome.LOST and all(report.order_id != order.id for report in reports):
            reports.append(build_report(order, ReportKind.UNKNOWN, ReportSource.REPLY, now))
        if outcome is ReplyOutcome.OVERLOADED:
            message = "the exchange demands a pause and has not processed the order"
            reports.append(build_rejection(order, "exchange_rate_limited", message, now))
        return reports

    async def change(
        self,
        order: Order,
        price: Decimal | None,
        qty: Decimal | None,
        now: datetime,
        terms: NewTerms | None = None,
    ) -> Sequence[ExecutionReport]:
        """Changes price, total quantity, other terms; a ``rejected`` report means: not changed."""
        steps = self._engine.update_market(order.symbol, now)
        steps.append(self._engine.step(build_change_request(order, price, qty, now, terms)))
        return self._reports(steps, now, order)

    async def cancel(self, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        """Cancels the rest of ``order``; a ``rejected`` report means: not canceled."""
        steps = self._engine.update_market(order.symbol, now)
        request = CancelOrder(
            client_id=str(order.id),
            exchange_order_id=order.exchange_order_id or "",
            symbol=order.symbol,
            at=now,
        )
        steps.append(self._engine.step(request))
        return self._reports(steps, now, order)

    async def query_order(self, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        """Returns reports on an order whose reply was lost; ``not_placed`` if it never arrived.

        None on the order itself means that its request is in flight, or that all was reported
        before.
        """
        steps = self._engine.update_market(order.symbol, now)
        steps.append(self._engine.step(QueryOrder(client_id=str(order.id), at=now)))
        reports = self._reports(steps, now, order, ReportSource.RECONCILE)
        if any(report.order_id == order.id for report in reports):
            return reports
        open_order = self._open_order_id(order)
        if open_order is not None:
            kind, name = ReportKind.ACCEPTED, open_order
        elif order.exchange_order_id is not None or self._is_placement_in_flight(order):
            return reports
        else:
            kind, name = ReportKind.NOT_PLACED, None
        return [*reports, build_report(order, kind, ReportSource.RECONCILE, now, name)]

    async def find_order(
        self, order: Order, exchange_order_id: str | None, now: datetime
    ) -> OrderQueryResult:
        """Queries the order; refused if ``exchange_order_id`` is not this order."""
        reports = await self.query_order(order, now)
        if exchange_order_id is None:
            return OrderQueryResult(reports=reports)
        order_ids = {each.exchange_order_id for each in reports if each.order_id == order.id}
        if exchange_order_id in order_ids:
            return OrderQueryResult(reports=reports)
        message = f"the exchange shows no {order.symbol} {exchange_order_id} that is this order"
        return OrderQueryResult(
            reports=reports, refused=Refused(code="order_not_found", message=message)
        )

    def declare_not_placed(self, order: Order, now: datetime) -> None:
        """Does nothing: an order that the exchange does hold is still reported."""

    async def snapshot(self, since: datetime, now: datetime) -> ExchangeSnapshot:
        """Returns the actual account, independent of what was delivered."""
        return build_snapshot(self._engine, since, now, self._account.paper.balances)

    async def poll_reports(self, now: datetime) -> Sequence[ExecutionReport]:
        """Advances prices and time up to ``now`` and returns the reports."""
        steps = self._engine.update_all_markets(now, is_tick=True)
        self._stale += self._engine.take_stale_prices(now)
        return self._reports(steps, now)

    def needs_polling(self) -> bool:
        """Returns whether anything may happen to the account without a command."""
        return self._engine.needs_polling()

    def set_price(self, quote: Quote) -> Sequence[ExecutionReport]:
        """Sets a manual price. Raises ``Conflict`` where the source is not manual.

        Raises ``Invalid`` for prices that are not positive or crossed.
        """
        self._check_manual(quote.symbol)
        return self._reports([self._engine.step(quote_to_update(quote))], quote.at)

    def set_public_trade(self, trade: PublicTrade) -> Sequence[ExecutionReport]:
        """Applies a public trade. Raises as ``set_price``."""
        self._check_manual(trade.symbol)
        if trade.price <= ZERO or trade.qty <= ZERO:
            raise Invalid("a trade needs a price and a quantity above 0")
        update = TradeTick(
            symbol=trade.symbol, price=trade.price, qty=trade.qty, side=trade.side, at=trade.at
        )
        return self._reports([self._engine.step(update)], trade.at)

    def deposit(self, currency: str, amount: Decimal, now: datetime) -> Sequence[ExecutionReport]:
        """Deposits money, or withdraws it if negative. Raises ``Conflict`` if not free."""
        size = amount.copy_abs()
        request = Deposit if amount > ZERO else Withdraw
        result = self._engine.step(request(currency=currency, amount=size, at=now))
        for event in result.events:
            if isinstance(event, Rejected) and not event.client_id:
                raise Conflict(event.message, code=event.code)
        return self._reports([result], now)

    async def reset(
        self, balances: Mapping[str, Decimal] | None, now: datetime
    ) -> Sequence[ExecutionReport]:
        """Cancels all orders, closes all positions at the mark price, and sets the balances.

        ``None`` sets those of the account's settings. Raises ``Invalid`` for a negative balance.
        """
        requested = self._account.paper.balances if balances is None else balances
        if any(amount < ZERO for amount in requested.values()):
            raise Invalid("no balance can be below 0")
        steps = self._engine.update_all_markets(now)
        amounts = tuple((name, amount) for name, amount in sorted(requested.items()) if amount)
        steps.append(self._engine.step(Reset(balances=amounts, at=now)))
        return self._reports(steps, now)

    def take_charges(self) -> Sequence[Charge]:
        """Returns payments since the last call: funding, transfers, insurance."""
        return self._reporter.take_charges()

    async def call(
        self, func: str, args: Sequence[object], kwargs: Mapping[str, object], now: datetime
    ) -> object:
        """Returns a read by its ccxt name, in ccxt's structure.

        Raises ``Invalid`` with code ``unsupported_func`` for an unsupported method.
        """
        return await call_method(
            self._engine, self._account, self._history, func, args, kwargs, now
        )

    async def trade(
        self, func: str, args: Sequence[object], kwargs: Mapping[str, object], now: datetime
    ) -> DirectTradeResult:
        """Executes a ccxt trading method; what it did before a failure is reported as well."""
        trading = PaperTrading(engine=self._engine, now=now)
        value, refused = trading.call(func, args, kwargs)
        return DirectTradeResult(
            value=value, refused=refused, reports=self._reports(trading.steps, now)
        )

    def needs_commit(self) -> bool:
        """Returns ``False``: the state changes with commands and reports only."""
        return False

    def take_state_changes(self) -> ExchangeStateRows | None:
        """Returns and clears the changes that must be stored together with the reports."""
        return self._engine.changed_rows()

    def state_hash(self) -> str:
        """Returns the SHA-256 of the whole state: equal exchanges have equal hashes."""
        return state_hash(self._engine.state)

    @property
    def state(self) -> ExchangeState:
        """The state of the exchange."""
        return self._engine.state

    def on_committed(self) -> None:
        """Does nothing: a request is completed by its reply."""

    def sends_after_commit(self) -> bool:
        """Returns ``False``: requests are answered immediately, even if the reply is in flight."""
        return False

    def is_ready(self) -> bool:
        """Returns whether live prices are connected; ``True`` without them."""
        feed = self._engine.live.feed
        return feed is None or feed.is_ready()

    def unavailable_reason(self) -> Refused | None:
        """Returns ``None``: the exchange is always reachable, whatever becomes of its prices."""
        return None

    def connection(self) -> ConnectionState:
        """Returns the price sources, and which hosts live prices are read from."""
        account, feed = self._account, self._engine.live.feed
        return ConnectionState(
            engine=account.engine.value,
            environment=account.environment.value,
            hosts_called=() if feed is None else tuple(feed.hosts_called()),
            last_call_at=None if feed is None else feed.last_call_at(),
            prices=describe_price_sources(account),
            prices_unavailable=None if feed is None else feed.unavailable_reason(),
        )

    def market_hours(self, symbol: str, at: datetime) -> MarketHours | None:
        """Returns ``None`` if the symbol always trades. Raises ``UnknownHours``."""
        hours = self._engine.hours
        return None if hours is None else hours.hours(symbol, at)

    def take_stale_prices(self) -> Sequence[StalePrice]:
        """Returns symbols in use whose live price has become too old since the last call."""
        stale, self._stale = self._stale, []
        return stale

    def start_snapshot(
        self, since: datetime, until: datetime | None = None, symbols: Collection[str] = ()
    ) -> int:
        """Does nothing: ``snapshot`` takes no time."""
        return 0

    def take_snapshots(self) -> Sequence[ExchangeSnapshot]:
        """Returns nothing: there are no snapshots in the background."""
        return ()

    async def close(self) -> None:
        """Closes the live prices; nothing else runs in the background."""
        feed = self._engine.live.feed
        if feed is not None:
            await feed.close()

    def _reports(
        self,
        steps: Sequence[StepResult],
        now: datetime,
        replied_order: Order | None = None,
        reply_source: ReportSource = ReportSource.REPLY,
    ) -> list[ExecutionReport]:
        name = None if replied_order is None else replied_order.id
        return self._reporter.reports(steps, self._engine.external_orders, now, name, reply_source)

    def _check_manual(self, symbol: str) -> None:
        source = self._engine.prices.source(symbol)
        if source is not PriceSource.MANUAL:
            message = f"the price of {symbol} comes from {source}; it cannot be set"
            raise Conflict(message, reason="price_source_not_manual")

    def _open_order_id(self, order: Order) -> str | None:
        """Returns the exchange order id of ``order`` if it is open, else ``None``."""
        held = self._engine.state.orders.get(order.symbol, {})
        client_id = str(order.id)
        return next((name for name, each in held.items() if each.client_id == client_id), None)

    def _is_placement_in_flight(self, order: Order) -> bool:
        """Returns whether the request to place ``order`` is still in flight."""
        in_flight = self._engine.state.in_flight
        requests = () if in_flight is None else (each.request for each in in_flight.arrivals)
        client_id = str(order.id)
        firsts = (each.first if isinstance(each, NewOrderPair) else each for each in requests)
        return any(isinstance(each, NewOrder) and each.client_id == client_id for each in firsts)
