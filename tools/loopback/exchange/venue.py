"""The venue: accounts by API key, the shared markets, the clock, and the listeners.

It is independent of any API dialect and opens no socket. Its clock is the machine's plus an offset,
so that a test may run at another date.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from loopback.exchange.account import Account
from loopback.exchange.rows import AccountUpdate, ExecutionUpdate
from loopback.exchange.venue_actions import cancel_resting
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import ZERO, add
from oms.domain.orders.order import Side
from oms.domain.value import evolve, value
from oms.simulation.inputs import (
    BookUpdate,
    FundingRateUpdate,
    Input,
    MarkPriceUpdate,
    QuoteUpdate,
    TimeUpdate,
    TradeTick,
)
from oms.simulation.market.instruments import fees_of, instruments_of
from oms.simulation.market.random_walk import quote_at
from oms.simulation.settings import SimulationSettings
from oms.simulation.state.paper_market import Level

PUBLIC_TRADES_MAX = 1000
BARS_MAX = 1500
#: Integer ids of one start begin at the seconds since 2026 times this number.
_IDS_PER_SECOND, _ID_EPOCH_SECONDS = 100_000, 1_767_225_600

MarketInput = QuoteUpdate | BookUpdate | TradeTick | MarkPriceUpdate | FundingRateUpdate


@value
class ApiKey:
    """A key that signs requests; several keys may belong to one account."""

    name: str
    secret: str
    account: str
    read_only: bool = False
    #: Dialects whose keys have one refuse a key without it.
    passphrase: str = ""


@value
class PublicTradeRow:
    """A public trade."""

    number: int
    price: Decimal
    qty: Decimal
    side: Side
    at: datetime


@value
class Bar:
    """A one-minute candle."""

    opened_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO


@dataclass
class MarketState:
    """Public market data of a symbol; a level with the quantity ``None`` has no limit."""

    instrument: Instrument
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    last: Decimal
    at: datetime
    mark: Decimal | None = None
    funding: Decimal = Decimal("0.0001")
    sequence: int = 1
    trades: deque[PublicTradeRow] = field(default_factory=lambda: deque(maxlen=PUBLIC_TRADES_MAX))
    bars: deque[Bar] = field(default_factory=lambda: deque(maxlen=BARS_MAX))

    @property
    def mark_price(self) -> Decimal:
        """The mark price that was set, else the mid price."""
        if self.mark is not None:
            return self.mark
        if self.bids and self.asks:
            return (self.bids[0][0] + self.asks[0][0]) / 2
        return self.last

    def record_price(self, price: Decimal, qty: Decimal, at: datetime) -> None:
        """Sets the last price and adds it to its one-minute bar."""
        self.last, self.at = price, at
        opened_at = at.replace(second=0, microsecond=0)
        if not self.bars or self.bars[-1].opened_at < opened_at:
            bar = Bar(opened_at=opened_at, open=price, high=price, low=price, close=price)
            self.bars.append(bar)
        bar = self.bars[-1]
        self.bars[-1] = evolve(
            bar,
            high=max(bar.high, price),
            low=min(bar.low, price),
            close=price,
            volume=add(bar.volume, qty),
        )


AccountListener = Callable[[Account, Sequence[AccountUpdate]], None]
MarketListener = Callable[[MarketState, Sequence[PublicTradeRow]], None]


class Venue:
    """``keys`` belong to its accounts; ``balances`` is the initial deposit of each account."""

    def __init__(
        self, keys: Sequence[ApiKey], balances: Mapping[str, Decimal], *, seed: int, run_id: str
    ) -> None:
        self.offset = timedelta(0)
        self.balances, self.seed, self._run_id = dict(balances), seed, run_id
        self.instruments = {
            name: row
            for name, row in instruments_of("bybit").items()
            if row.kind is not InstrumentKind.INVERSE
        }
        self.settings = SimulationSettings(instruments=self.instruments, fees=fees_of("bybit"))
        self.keys: dict[str, ApiKey] = {}
        self.accounts: dict[str, Account] = {}
        self._initial_balances: dict[str, dict[str, Decimal]] = {}
        self.markets: dict[str, MarketState] = {}
        self.account_listeners: list[AccountListener] = []
        self.market_listeners: list[MarketListener] = []
        self._trade_count = 0
        self._id_base = (int(self.now().timestamp()) - _ID_EPOCH_SECONDS) * _IDS_PER_SECOND
        for symbol in self.instruments:
            self._reset_market(symbol)
        for key in keys:
            self.add_key(key)

    def now(self) -> datetime:
        """Returns the venue's time."""
        return datetime.now(UTC) + self.offset

    def add_key(self, key: ApiKey, balances: Mapping[str, Decimal] | None = None) -> None:
        """Adds a key, and its account with ``balances`` if that does not exist yet."""
        self.keys[key.name] = key
        if key.account not in self.accounts:
            initial = dict(self.balances if balances is None else balances)
            self._initial_balances[key.account] = initial
            self._create_account(key.account)

    def account_of(self, key: str) -> Account:
        """Returns the account of a key. Raises ``KeyError``."""
        return self.accounts[self.keys[key].account]

    def reset(self) -> None:
        """Resets all accounts and prices; ids continue, so that no id is used twice."""
        self.offset = timedelta(0)
        for symbol in self.instruments:
            self._reset_market(symbol)
        self._run_id, self._id_base = f"{self._run_id}'", self._id_base + _IDS_PER_SECOND
        for name in self.accounts:
            self._create_account(name)

    def update_market(self, update: MarketInput) -> None:
        """Applies a market update to the public data and to the orders of every account."""
        market, trades = self.markets[update.symbol], []
        match update:
            case QuoteUpdate():
                market.bids = ((update.bid, update.bid_qty),)
                market.asks = ((update.ask, update.ask_qty),)
                self._clamp_last_price(market, update.at)
            case BookUpdate():
                market.bids, market.asks = update.bids, update.asks
                self._clamp_last_price(market, update.at)
            case TradeTick():
                trade = self._add_trade(market, update.price, update.qty, update.side, update.at)
                trades = [trade]
            case MarkPriceUpdate():
                market.mark = update.price
            case FundingRateUpdate():
                market.funding = update.rate
        for account in self.accounts.values():
            account.apply(update)
        for listener in self.market_listeners:
            listener(market, trades)

    def tick(self) -> None:
        """Passes the time to every account: orders expire, funding is paid, timers end."""
        time_update = TimeUpdate(at=self.now())
        for account in self.accounts.values():
            account.apply(time_update)
            if account.cancel_at is not None and account.cancel_at <= time_update.at:
                account.cancel_at = None
                cancel_resting(account, time_update.at)
            for symbol, at in tuple(account.symbol_cancel_at.items()):
                if at <= time_update.at:
                    del account.symbol_cancel_at[symbol]
                    cancel_resting(account, time_update.at, symbol)

    def move_clock(self, offset: timedelta) -> None:
        """Sets the clock's offset; for an earlier time the accounts' clocks are set back."""
        is_earlier, self.offset = offset < self.offset, offset
        if is_earlier:
            for account in self.accounts.values():
                account.state = evolve(account.state, clock=self.now())
        self.tick()

    def _create_account(self, name: str) -> None:
        account = Account(name, self.settings, self._run_id, self._id_base, self._publish)
        self.accounts[name] = account
        account.reset(self._initial_balances[name])
        for update in self._current_prices():
            account.apply(update)

    def _current_prices(self) -> list[Input]:
        updates: list[Input] = []
        for symbol, market in self.markets.items():
            book = BookUpdate(symbol=symbol, bids=market.bids, asks=market.asks, at=self.now())
            updates.append(book)
            if market.mark is not None:
                updates.append(MarkPriceUpdate(symbol=symbol, price=market.mark, at=self.now()))
        return updates

    def _reset_market(self, symbol: str) -> None:
        """Sets the initial price of the seed, with unlimited quantity."""
        instrument, now = self.instruments[symbol], self.now()
        bid, ask = quote_at(self.seed, instrument, 0)
        market = MarketState(instrument, ((bid, None),), ((ask, None),), bid, now)
        market.record_price(bid, ZERO, now)
        self.markets[symbol] = market

    def _clamp_last_price(self, market: MarketState, at: datetime) -> None:
        """Moves the last price between the best bid and ask."""
        market.sequence += 1
        last = market.last
        if market.asks:
            last = min(last, market.asks[0][0])
        if market.bids:
            last = max(last, market.bids[0][0])
        market.record_price(last, ZERO, at)

    def _add_trade(
        self, market: MarketState, price: Decimal, qty: Decimal, side: Side | None, at: datetime
    ) -> PublicTradeRow:
        self._trade_count += 1
        row = PublicTradeRow(
            number=self._trade_count, price=price, qty=qty, side=side or Side.BUY, at=at
        )
        market.trades.append(row)
        market.record_price(price, qty, at)
        return row

    def _publish(self, account: Account, updates: Sequence[AccountUpdate]) -> None:
        """Passes an account's updates to the listeners; executions are public trades as well."""
        for update in updates:
            if isinstance(update, ExecutionUpdate) and update.row.kind != "funding":
                trade, market = update.row.trade, self.markets[update.row.trade.symbol]
                side = trade.side.opposite if trade.maker else trade.side
                row = self._add_trade(market, trade.price, trade.qty, side, trade.executed_at)
                for market_listener in self.market_listeners:
                    market_listener(market, [row])
        for account_listener in self.account_listeners:
            account_listener(account, updates)
