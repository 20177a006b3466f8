"""The venue: accounts by key, the prices they share, its clock, and who listens.

It knows no dialect and opens no socket. The clock is the machine's plus an offset, so that a test
may live in another week.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from loopback.exchange.account import Account
from loopback.exchange.rows import AccountUpdate, ExecutionUpdate
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
from oms.simulation.state.exchange_state import Level

PUBLIC_TRADES_MAX = 1000
BARS_MAX = 1500
#: Whole-number ids: so many for each second since 2026.
_IDS_OF_A_START, _IDS_SINCE = 100_000, 1_767_225_600


@value
class ApiKey:
    """What signs requests; several may lead to one account."""

    name: str
    secret: str
    account: str
    read_only: bool = False


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
    """One minute."""

    begins: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO


@dataclass
class MarketState:
    """What the public sees of a symbol; ``None`` quantity is without limit."""

    instrument: Instrument
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    last: Decimal
    at: datetime
    mark: Decimal | None = None
    funding: Decimal = Decimal("0.0001")
    sequence: int = 1
    prints: deque[PublicTradeRow] = field(default_factory=lambda: deque(maxlen=PUBLIC_TRADES_MAX))
    bars: deque[Bar] = field(default_factory=lambda: deque(maxlen=BARS_MAX))

    @property
    def mark_price(self) -> Decimal:
        """The mark that was told, else the middle."""
        if self.mark is not None:
            return self.mark
        if self.bids and self.asks:
            return (self.bids[0][0] + self.asks[0][0]) / 2
        return self.last

    def saw(self, price: Decimal, qty: Decimal, at: datetime) -> None:
        """A price becomes the last one, and part of its minute."""
        self.last, self.at = price, at
        begins = at.replace(second=0, microsecond=0)
        if not self.bars or self.bars[-1].begins < begins:
            self.bars.append(Bar(begins=begins, open=price, high=price, low=price, close=price))
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
    """``keys`` open its accounts; ``balances`` are each account's first money."""

    def __init__(
        self, keys: Sequence[ApiKey], balances: Mapping[str, Decimal], *, seed: int, run: str
    ) -> None:
        self.offset = timedelta(0)
        self.balances, self.seed, self._run = dict(balances), seed, run
        self.instruments = {
            name: row
            for name, row in instruments_of("bybit").items()
            if row.kind is not InstrumentKind.INVERSE
        }
        self.settings = SimulationSettings(instruments=self.instruments, fees=fees_of("bybit"))
        self.keys: dict[str, ApiKey] = {}
        self.accounts: dict[str, Account] = {}
        self._money: dict[str, dict[str, Decimal]] = {}
        self.shown: dict[str, MarketState] = {}
        self.account_listeners: list[AccountListener] = []
        self.market_listeners: list[MarketListener] = []
        self._prints = 0
        self._base = (int(self.now().timestamp()) - _IDS_SINCE) * _IDS_OF_A_START
        for symbol in self.instruments:
            self._show_first(symbol)
        for key in keys:
            self.add_key(key)

    def now(self) -> datetime:
        """The venue's time."""
        return datetime.now(UTC) + self.offset

    def add_key(self, key: ApiKey, balances: Mapping[str, Decimal] | None = None) -> None:
        """A key, and its account, with this money, if there is none yet."""
        self.keys[key.name] = key
        if key.account not in self.accounts:
            account = Account(key.account, self.settings, self._run, self._base, self._tell)
            self.accounts[key.account] = account
            self._money[key.account] = dict(self.balances if balances is None else balances)
            self._begin(account)

    def account_of(self, key: str) -> Account:
        """The account that a key opens. Raises ``KeyError``."""
        return self.accounts[self.keys[key].account]

    def reset(self) -> None:
        """All accounts and prices as at the start; ids go on, so that no id means two things."""
        self.offset = timedelta(0)
        for symbol in self.instruments:
            self._show_first(symbol)
        self._run, self._base = f"{self._run}'", self._base + _IDS_OF_A_START
        for name in self.accounts:
            self.accounts[name] = Account(name, self.settings, self._run, self._base, self._tell)
            self._begin(self.accounts[name])

    def see(
        self, news: QuoteUpdate | BookUpdate | TradeTick | MarkPriceUpdate | FundingRateUpdate
    ) -> None:
        """News of a market: the public sees them, and every account's orders meet them."""
        shown, prints = self.shown[news.symbol], []
        match news:
            case QuoteUpdate():
                shown.bids = ((news.bid, news.bid_qty),)
                shown.asks = ((news.ask, news.ask_qty),)
                self._clamp(shown, news.at)
            case BookUpdate():
                shown.bids, shown.asks = news.bids, news.asks
                self._clamp(shown, news.at)
            case TradeTick():
                prints = [self._print(shown, news.price, news.qty, news.side, news.at)]
            case MarkPriceUpdate():
                shown.mark = news.price
            case FundingRateUpdate():
                shown.funding = news.rate
        for account in self.accounts.values():
            account.do(news)
        for ear in self.market_listeners:
            ear(shown, prints)

    def tick(self) -> None:
        """Time alone: what expires does, what is due is paid."""
        clock = TimeUpdate(at=self.now())
        for account in self.accounts.values():
            account.do(clock)

    def move_clock(self, offset: timedelta) -> None:
        """Go to another time; going back forgets how late it was."""
        earlier, self.offset = offset < self.offset, offset
        if earlier:
            for account in self.accounts.values():
                account.state = evolve(account.state, clock=self.now())
        self.tick()

    def _begin(self, account: Account) -> None:
        account.begin(self._money[account.name])
        for news in self._news():
            account.do(news)

    def _news(self) -> list[Input]:
        news: list[Input] = []
        for symbol, shown in self.shown.items():
            seen = BookUpdate(symbol=symbol, bids=shown.bids, asks=shown.asks, at=self.now())
            news.append(seen)
            if shown.mark is not None:
                news.append(MarkPriceUpdate(symbol=symbol, price=shown.mark, at=self.now()))
        return news

    def _show_first(self, symbol: str) -> None:
        """The price at the start: of this seed, and as much of it as anybody wants."""
        instrument, now = self.instruments[symbol], self.now()
        bid, ask = quote_at(self.seed, instrument, 0)
        shown = MarketState(instrument, ((bid, None),), ((ask, None),), bid, now)
        shown.saw(bid, ZERO, now)
        self.shown[symbol] = shown

    def _clamp(self, shown: MarketState, at: datetime) -> None:
        shown.sequence += 1
        last = shown.last
        if shown.asks:
            last = min(last, shown.asks[0][0])
        if shown.bids:
            last = max(last, shown.bids[0][0])
        shown.saw(last, ZERO, at)

    def _print(
        self, shown: MarketState, price: Decimal, qty: Decimal, side: Side | None, at: datetime
    ) -> PublicTradeRow:
        self._prints += 1
        row = PublicTradeRow(
            number=self._prints, price=price, qty=qty, side=side or Side.BUY, at=at
        )
        shown.prints.append(row)
        shown.saw(price, qty, at)
        return row

    def _tell(self, account: Account, told: Sequence[AccountUpdate]) -> None:
        """What happened to an account; its executions are public trades too."""
        for each in told:
            if isinstance(each, ExecutionUpdate) and each.row.kind != "funding":
                trade, shown = each.row.trade, self.shown[each.row.trade.symbol]
                side = trade.side.opposite if trade.maker else trade.side
                row = self._print(shown, trade.price, trade.qty, side, trade.executed_at)
                for market_ear in self.market_listeners:
                    market_ear(shown, [row])
        for ear in self.account_listeners:
            ear(account, told)
