"""Refreshes the prices of what accounts at real exchanges hold, and stores those that are new.

The symbols of open positions are read, and the markets whose prices convert the currencies of the
wallet and of positions. Accounts of one exchange share a feed, which reads all their symbols by one
request for each kind of market.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from oms.domain.account import Account, Engine
from oms.domain.performance.account_value import currencies_of, rate_symbols
from oms.domain.quotes import PublicTrade, Quote
from oms.domain.value import evolve
from oms.ports.clock import Clock
from oms.ports.performance.market_marks import HeldMarkets, MarketMark, MarketMarks
from oms.ports.price_feed import MarkPrice, PriceFeed, PriceUpdate
from oms.ports.registry import AccountRow, Registry
from oms.wire.account_config.mark_source import mark_source
from oms.wire.account_config.report_currency import read_report_currency


@dataclass(slots=True, kw_only=True)
class RefreshMarks:
    """The marks of the accounts that a worker holds."""

    registry: Registry
    marks: MarketMarks
    #: Returns the feed of an account's exchange; accounts of one exchange share its requests.
    open_feed: Callable[[Account], PriceFeed]
    clock: Clock
    #: Currency of accounts that set none, and of totals over accounts.
    report_currency: str
    _feeds: dict[str, PriceFeed] = field(default_factory=dict)
    #: By source and symbol, the last prices.
    _last: dict[tuple[str, str], MarketMark] = field(default_factory=dict)
    #: Symbols of each source that are wanted.
    _wanted: dict[str, frozenset[str]] = field(default_factory=dict)
    #: Since when a symbol of a source is held.
    _held_since: dict[tuple[str, str], datetime] = field(default_factory=dict)

    async def look(self, account_ids: Sequence[int]) -> None:
        """Read what the accounts hold, and close feeds without a symbol. Raises ``Unavailable``."""
        rows = [
            row
            for row in await self.registry.accounts(account_ids)
            if row.account.engine is not Engine.PAPER
        ]
        held = await self.marks.held([row.account.id for row in rows]) if rows else {}
        wanted: dict[str, set[str]] = {}
        for row in rows:
            symbols = self._symbols_of(row, held.get(row.account.id, HeldMarkets()))
            if not symbols:
                continue
            source = mark_source(row.account)
            if source not in self._feeds:
                self._feeds[source] = self.open_feed(row.account)
            wanted.setdefault(source, set()).update(symbols)
        self._wanted = {source: frozenset(symbols) for source, symbols in wanted.items()}
        for source in self._feeds.keys() - wanted.keys():
            await self._feeds.pop(source).close()
        for key in [key for key in self._last if key[1] not in self._wanted.get(key[0], ())]:
            del self._last[key]
        now, since = self.clock.now(), self._held_since
        self._held_since = {
            key: since.get(key, now)
            for row in rows
            for symbol in held.get(row.account.id, HeldMarkets()).symbols
            if (key := (mark_source(row.account), symbol))
        }

    async def store(self) -> int:
        """Store what the feeds have read; returns the number of marks. Raises ``Unavailable``."""
        now, changed = self.clock.now(), list[MarketMark]()
        for source, symbols in self._wanted.items():
            for symbol in symbols:
                updates = self._feeds[source].take_updates(symbol, now, with_depth=False)
                before = self._last.get((source, symbol))
                after = _apply(updates, before, source, symbol)
                if after is not None and after != before:
                    self._last[source, symbol] = after
                    changed.append(after)
        await self.marks.put(changed)
        return len(changed)

    def price_ages(self) -> Mapping[str, float]:
        """Return the age in seconds of the oldest price of each source, of symbols that are held.

        A price that never arrived is as old as the first request for it.
        """
        now, ages = self.clock.now(), dict[str, float]()
        for key, since in self._held_since.items():
            mark = self._last.get(key)
            age = (now - (since if mark is None else mark.at)).total_seconds()
            ages[key[0]] = max(age, ages.get(key[0], 0.0))
        return ages

    async def close(self) -> None:
        """Close all feeds."""
        feeds, self._feeds, self._wanted = self._feeds, {}, {}
        for feed in feeds.values():
            await feed.close()

    def _symbols_of(self, row: AccountRow, held: HeldMarkets) -> set[str]:
        """Return the symbols held, and those of markets that convert into the report currency."""
        currencies = {*held.currencies, *(currencies_of(each).settle for each in held.symbols)}
        into = read_report_currency(row.extra_config) or self.report_currency
        symbols = {*held.symbols, *rate_symbols(currencies, into)}
        if into != self.report_currency:
            symbols.update(rate_symbols([into], self.report_currency))
        return symbols


def _apply(
    updates: Iterable[PriceUpdate], before: MarketMark | None, source: str, symbol: str
) -> MarketMark | None:
    """Return the prices after updates; ``None`` while there are none."""
    for update in updates:
        known = before or MarketMark(source=source, symbol=symbol, at=update.at)
        match update:
            case Quote():
                before = evolve(
                    known,
                    bid=update.bid,
                    ask=update.ask,
                    last=update.last,
                    mark=known.mark if update.mark is None else update.mark,
                    at=_later(known.at, update.at),
                )
            case MarkPrice():
                before = evolve(known, mark=update.price, at=_later(known.at, update.at))
            case PublicTrade():
                continue
    return before


def _later(one: datetime, other: datetime) -> datetime:
    return max(one, other)
