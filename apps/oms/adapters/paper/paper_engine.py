"""``PaperEngine``: one account's simulation, its prices, and its unsaved changes.

It steps the state and brings markets up to date; each step result is returned as a whole for
reporting. It does not depend on orders and reports of the ledger.
"""

import logging
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from oms.adapters.paper.external_orders import ExternalOrders
from oms.adapters.paper.market_data.live_markets import LiveMarkets
from oms.adapters.paper.market_data.price_sources import (
    DEFAULT_TAPE_FOLDER,
    PriceSource,
    PriceSources,
)
from oms.adapters.paper.market_data.quote_updates import market_to_quote
from oms.adapters.paper.market_hours import PaperHours
from oms.adapters.paper.simulation_settings import LIVE_PRICE_AGE, simulation_settings
from oms.adapters.paper.state_rows import UnsavedChanges, load_state, trade_from_row
from oms.domain.account import Account
from oms.domain.errors import Invalid
from oms.domain.instrument import InstrumentKind
from oms.domain.quotes import Quote
from oms.domain.trading_terms import TradingTerms
from oms.domain.value import evolve
from oms.ports.exchange import ExchangeStateRows, StalePrice, TradeRow
from oms.ports.market.trading_calendar import TradingCalendar
from oms.ports.price_feed import PriceFeed
from oms.simulation.events import Filled
from oms.simulation.inputs import Deposit, Input, NewOrder, NewOrderPair, TimeUpdate
from oms.simulation.market.matching import market_from_update
from oms.simulation.state.exchange_state import EPOCH, ExchangeState
from oms.simulation.state.paper_market import Market
from oms.simulation.state.paper_order import PaperTrade
from oms.simulation.step import step
from oms.simulation.step_result import StepResult
from oms.simulation.transport.latency import next_due_at

logger = logging.getLogger(__name__)

TAPE_UPDATES_MAX = 2000
"""Updates of a tape processed per call; those due beyond are processed by the next call."""

TRADES_KEPT_MAX = 1000
"""Executions that can be read back; the store loads as many."""


class PaperEngine:
    """State, settings and prices of one account."""

    def __init__(
        self,
        account: Account,
        rows: ExchangeStateRows,
        tapes: Path = DEFAULT_TAPE_FOLDER,
        feed: PriceFeed | None = None,
        live_age: timedelta = LIVE_PRICE_AGE,
        calendar: TradingCalendar | None = None,
    ) -> None:
        """Restores the account from ``rows``; a new one has its initial balances.

        Symbols of the source ``live`` have the prices of ``feed``, none older than ``live_age``.
        Stocks trade in the sessions of ``calendar``, without one never.

        Raises ``InvariantBroken`` if the rows are not what was written, ``Invalid`` if the
        account's settings name an unknown price source.
        """
        self.prices = PriceSources(account, tapes)
        self.prices.resume_tapes(rows.prices)
        self.settings = simulation_settings(account, live_age)
        self.live = LiveMarkets(feed, self.prices, self.settings)
        #: ``None`` if all symbols always trade.
        self.hours = (
            PaperHours(self.settings.instruments, calendar) if account.paper.stocks else None
        )
        stored = load_state(rows, self.prices.is_stored)
        self.state = self._initial_state(account) if stored is None else stored
        self.external_orders = ExternalOrders.from_state(self.state)
        self._unsaved = UnsavedChanges(self.prices.is_stored)
        #: The market that was quoted last, and its quote.
        self._quoted: tuple[Market, Quote | None] | None = None
        self._trades: deque[TradeRow | PaperTrade] = deque(rows.trades, maxlen=TRADES_KEPT_MAX)

    def terms(self, symbol: str) -> TradingTerms | None:
        """Returns the fees below all tiers and the leverage of a symbol; ``None`` if unknown."""
        settings = self.settings
        instrument = settings.instruments.get(symbol)
        if instrument is None:
            return None
        rates, own = settings.rates_of(instrument.kind), self.state.contracts.get(symbol)
        is_spot = instrument.kind is InstrumentKind.SPOT
        leverage = 1 if is_spot else settings.leverage_of(instrument, own)
        return TradingTerms(maker=rates.maker, taker=rates.taker, leverage=leverage)

    def step(self, input: Input, *, without_latency: bool = False) -> StepResult:
        """Processes ``input`` and returns the result; optionally without the account's latency."""
        settings = self.settings
        if without_latency:
            settings = evolve(settings, latency=None)
        elif self.live.feed is not None and isinstance(input, NewOrder | NewOrderPair):
            settings = self.live.settings_for_request(input, self.state)
        if self.hours is not None:
            settings = evolve(settings, closed_symbols=self.hours.closed_symbols(input.at))
        result = step(self.state, input, settings)
        self.state = result.state
        trades = [event.trade for event in result.events if isinstance(event, Filled)]
        self._unsaved.add(result, trades)
        if result.events:
            self.external_orders.record(result)
            self._trades.extend(trades)
        return result

    def update_market(
        self, symbol: str, now: datetime, *, is_tick: bool = False
    ) -> list[StepResult]:
        """Brings the symbol's market up to ``now``, once per step of its random walk."""
        if self._is_closed(symbol, now):
            return []
        source = self.prices.source(symbol)
        if source is PriceSource.WALK:
            book = self.prices.walk_book(self.settings.instruments[symbol], now)
            stored = self.state.markets.get(symbol)
            is_current = stored is not None and stored.at == book.at
            return [] if is_current else [self.step(book)]
        if source is PriceSource.REPLAY:
            return self._play_tape(symbol, now, is_tick=is_tick)
        if source is PriceSource.LIVE:
            return [self.step(update) for update in self.live.updates(symbol, self.state, now)]
        return []

    def update_all_markets(self, now: datetime, *, is_tick: bool = False) -> list[StepResult]:
        """Brings markets in use up to ``now``, and processes what is due by time."""
        steps = [
            each
            for symbol in self.active_symbols()
            for each in self.update_market(symbol, now, is_tick=is_tick)
        ]
        due = next_due_at(self.state)
        if due is not None and due <= now:
            steps.append(self.step(TimeUpdate(at=now)))
        return steps

    def read_market(self, symbol: str, now: datetime) -> Market | None:
        """Returns the market at ``now``; advances a tape unless that affects the account.

        Raises ``Invalid`` where a tape cannot be read.
        """
        is_tape = self.prices.source(symbol) is PriceSource.REPLAY
        if is_tape and not self._is_closed(symbol, now):
            for update in self.prices.replay(symbol).updates(now, TAPE_UPDATES_MAX):
                result = step(self.state, update, self.settings)
                if result.events or result.delivered:
                    break
                self.state = result.state
                self._unsaved.add(result, ())
        return self.market(symbol, now)

    def market(self, symbol: str, now: datetime) -> Market | None:
        """Returns the market at ``now`` without filling any order."""
        stored, source = self.state.markets.get(symbol), self.prices.source(symbol)
        if source is PriceSource.WALK:
            book = self.prices.walk_book(self.settings.instruments[symbol], now)
            return (
                stored if stored is not None and stored.at == book.at else market_from_update(book)
            )
        return self.live.market(symbol, stored, now) if source is PriceSource.LIVE else stored

    def quote(self, symbol: str, now: datetime) -> Quote | None:
        """Returns the best prices of the market; ``None`` if they are not known."""
        try:
            read = self.market if self.has_fixed_price(symbol) else self.read_market
            market = read(symbol, now)
        except Invalid:  # reads of the market report the reason; here the price is unknown
            return None
        if market is None:
            return None
        quoted = self._quoted
        if quoted is None or quoted[0] is not market:  # Else nothing has changed the market.
            quoted = self._quoted = market, market_to_quote(market)
        return quoted[1]

    def has_fixed_price(self, symbol: str) -> bool:
        """Returns whether reads leave the price as it is: all but tapes that each read advances."""
        if self.prices.source(symbol) is not PriceSource.REPLAY:
            return True
        return symbol in self.state.markets and self.prices.replay(symbol).is_stepped

    def active_symbols(self) -> list[str]:
        """Returns symbols with open orders or positions, and live ones of requests in flight."""
        held = {symbol for symbol, _ in self.state.positions}
        symbols = [*self.state.orders, *sorted(held - self.state.orders.keys())]
        return symbols + [
            each for each in self.live.symbols_in_flight(self.state) if each not in symbols
        ]

    def take_stale_prices(self, now: datetime) -> list[StalePrice]:
        """Returns live symbols in use whose price has become too old; each is returned once."""
        return self.live.take_stale_prices(self.active_symbols(), self.state, now)

    def needs_polling(self) -> bool:
        """Returns whether anything may happen without a request."""
        state = self.state
        if state.orders or state.positions:
            return True
        return state.in_flight is not None and bool(
            state.in_flight.arrivals or state.in_flight.deliveries
        )

    def trades(self) -> list[PaperTrade]:
        """Returns the newest executions, the oldest first."""
        return [
            trade_from_row(each) if isinstance(each, TradeRow) else each for each in self._trades
        ]

    def changed_rows(self) -> ExchangeStateRows | None:
        """Returns and clears the changes that must be stored; ``None`` for none."""
        rows = self._unsaved.take(self.state)
        if rows is None or not rows.prices:
            return rows
        prices = {
            name: self.prices.with_tape_position(name, row) for name, row in rows.prices.items()
        }
        return evolve(rows, prices=prices)

    def tape_positions(self) -> Mapping[str, str]:
        """Returns how far each tape was played, by symbol, as JSON."""
        return {
            symbol: self.prices.with_tape_position(symbol, "{}") for symbol in self.state.markets
        }

    def resume_from(self, state: ExchangeState, tape_positions: Mapping[str, str]) -> None:
        """Continues from a state and ``tape_positions`` of another run."""
        self.state = state
        self.external_orders = ExternalOrders.from_state(state)
        self.prices.resume_tapes(tape_positions)

    def _is_closed(self, symbol: str, now: datetime) -> bool:
        return self.hours is not None and symbol in self.hours.closed_symbols(now)

    def _initial_state(self, account: Account) -> ExchangeState:
        """Returns the state of a new account: its initial balances, with no events in flight."""
        state, without_latency = ExchangeState(), evolve(self.settings, latency=None)
        for currency, amount in sorted(account.paper.balances.items()):
            if amount > 0:
                deposit = Deposit(currency=currency, amount=amount, at=EPOCH)
                state = step(state, deposit, without_latency).state
        return state

    def _play_tape(self, symbol: str, now: datetime, *, is_tick: bool) -> list[StepResult]:
        """Plays the tape up to ``now``; one that cannot be read leaves the price as it is.

        A tape with one price per call is advanced by polling and reads only, so an order gets the
        price that was read.
        """
        tape = self.prices.replay(symbol)
        steps: list[StepResult] = []
        if tape.is_stepped and not is_tick and symbol in self.state.markets:
            return steps
        try:
            for update in tape.updates(now, TAPE_UPDATES_MAX):
                steps.append(self.step(update))
        except Invalid as error:
            logger.warning("tape_unreadable", extra={"symbol": symbol, "why": error.message})
        return steps
