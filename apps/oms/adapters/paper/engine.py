"""``PaperEngine``: one account's simulation with its prices and what is not stored yet.

It steps the memory and brings markets up to a moment; each step is handed back whole, for who
reports on it. It refuses to know orders and reports of the ledger.
"""

import logging
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from oms.adapters.paper.live import LiveMarkets
from oms.adapters.paper.prices import TAPES, Prices, Source
from oms.adapters.paper.rows import Unsaved, stored_memory, trade_read
from oms.adapters.paper.self_made import SelfMade
from oms.adapters.paper.settings import LIVE_PRICE_AGE, settings_of
from oms.domain.account import Account
from oms.domain.errors import Invalid
from oms.domain.value import evolve
from oms.ports.exchange import MemoryRows, StalePrice, TradeRow
from oms.ports.live_prices import LivePrices
from oms.simulation.exchange import step
from oms.simulation.facts import Filled, Step
from oms.simulation.inputs import Clock, Deposit, Input, Place, PlacePair
from oms.simulation.matching import market_of
from oms.simulation.memory import EPOCH, Market, Memory, PaperTrade
from oms.simulation.passage import next_due

logger = logging.getLogger(__name__)

LOOK_NEWS_MAX = 2000
"""News of a tape that one look takes; what is due beyond comes with the next look."""

TRADES_KEPT_MAX = 1000
"""Executions that can be read back; the store tells as many."""


class PaperEngine:
    """Memory, rules and prices of one account."""

    def __init__(
        self,
        account: Account,
        rows: MemoryRows,
        tapes: Path = TAPES,
        feed: LivePrices | None = None,
        live_age: timedelta = LIVE_PRICE_AGE,
    ) -> None:
        """As it was stored; without rows a new one with its first money, of which nothing is told.

        Symbols of the source ``live`` have the prices of ``feed``, none older than ``live_age``.

        Raises ``InvariantBroken`` if the rows are not what was written, ``Invalid`` if the
        account's settings name an unknown price source.
        """
        self.prices = Prices(account, tapes)
        self.prices.resume(rows.prices)
        self.settings = settings_of(account, live_age)
        self.live = LiveMarkets(feed, self.prices, self.settings)
        known = stored_memory(rows, self.prices.is_kept)
        self.memory = self._begun(account) if known is None else known
        self.made = SelfMade.of(self.memory)
        self._unsaved = Unsaved(self.prices.is_kept)
        self._trades: deque[TradeRow | PaperTrade] = deque(rows.trades, maxlen=TRADES_KEPT_MAX)

    def step(self, input: Input, *, at_once: bool = False) -> Step:
        """What ``input`` does, done; ``at_once`` without the account's latency."""
        rules = self.settings
        if at_once:
            rules = evolve(rules, latency=None)
        elif self.live.feed is not None and isinstance(input, Place | PlacePair):
            rules = self.live.rules(input, self.memory)
        result = step(self.memory, input, rules)
        self.memory = result.memory
        trades = [fact.trade for fact in result.facts if isinstance(fact, Filled)]
        self._unsaved.add(result, trades)
        if result.facts:
            self.made.add(result)
            self._trades.extend(trades)
        return result

    def look(self, symbol: str, now: datetime, *, is_tick: bool = False) -> list[Step]:
        """Bring the symbol's market up to ``now``, once per step of its walk."""
        source = self.prices.source(symbol)
        if source is Source.WALK:
            shown = self.prices.shown(self.settings.instruments[symbol], now)
            known = self.memory.markets.get(symbol)
            is_known = known is not None and known.at == shown.at
            return [] if is_known else [self.step(shown)]
        if source is Source.REPLAY:
            return self._play(symbol, now, is_tick=is_tick)
        if source is Source.LIVE:
            return [self.step(seen) for seen in self.live.news(symbol, self.memory, now)]
        return []

    def look_round(self, now: datetime, *, is_tick: bool = False) -> list[Step]:
        """Bring the markets of orders and positions up to ``now``, and what time alone moves."""
        steps = [
            each for symbol in self.alive() for each in self.look(symbol, now, is_tick=is_tick)
        ]
        due = next_due(self.memory)
        if due is not None and due <= now:
            steps.append(self.step(Clock(at=now)))
        return steps

    def read(self, symbol: str, now: datetime) -> Market | None:
        """The market at ``now``; a tape runs as far as nothing happens to the account by it.

        Raises ``Invalid`` where a tape cannot be read.
        """
        if self.prices.source(symbol) is Source.REPLAY:
            for seen in self.prices.replay(symbol).news(now, LOOK_NEWS_MAX):
                result = step(self.memory, seen, self.settings)
                if result.facts or result.told:
                    break
                self.memory = result.memory
                self._unsaved.add(result, ())
        return self.market(symbol, now)

    def market(self, symbol: str, now: datetime) -> Market | None:
        """The market at ``now``; looking at it serves no order."""
        known, source = self.memory.markets.get(symbol), self.prices.source(symbol)
        if source is Source.WALK:
            shown = self.prices.shown(self.settings.instruments[symbol], now)
            return known if known is not None and known.at == shown.at else market_of(shown)
        return self.live.market(symbol, known, now) if source is Source.LIVE else known

    def is_shown(self, symbol: str) -> bool:
        """Whether the price stands until somebody looks again."""
        if self.prices.source(symbol) is not Source.REPLAY:
            return True
        return symbol in self.memory.markets and self.prices.replay(symbol).is_stepped

    def alive(self) -> list[str]:
        """Symbols with open orders or positions, live ones with requests on their way too."""
        held = {symbol for symbol, _ in self.memory.positions}
        known = [*self.memory.orders, *sorted(held - self.memory.orders.keys())]
        return known + [each for each in self.live.awaited(self.memory) if each not in known]

    def stale(self, now: datetime) -> list[StalePrice]:
        """Live symbols in use whose price has become too old; each is told once."""
        return self.live.stale(self.alive(), self.memory, now)

    def is_moved_by_time(self) -> bool:
        """Whether anything may happen without a request."""
        memory = self.memory
        if memory.orders or memory.positions:
            return True
        return memory.line is not None and bool(memory.line.arrivals or memory.line.deliveries)

    def trades(self) -> list[PaperTrade]:
        """The newest executions, the oldest first."""
        return [trade_read(each) if isinstance(each, TradeRow) else each for each in self._trades]

    def changed_rows(self) -> MemoryRows | None:
        """What changed since the last call, to be stored."""
        rows = self._unsaved.take(self.memory)
        if rows is None or not rows.prices:
            return rows
        prices = {name: self.prices.with_place(name, row) for name, row in rows.prices.items()}
        return evolve(rows, prices=prices)

    def tape_places(self) -> Mapping[str, str]:
        """How far each tape was played, by symbol, as text."""
        return {symbol: self.prices.with_place(symbol, "{}") for symbol in self.memory.markets}

    def take_over(self, memory: Memory, places: Mapping[str, str]) -> None:
        """Go on from a memory and ``tape_places`` of another run."""
        self.memory = memory
        self.made = SelfMade.of(memory)
        self.prices.resume(places)

    def _begun(self, account: Account) -> Memory:
        """A new account's memory: its first money is there, and no news of it on the way."""
        memory, at_once = Memory(), evolve(self.settings, latency=None)
        for currency, amount in sorted(account.paper.balances.items()):
            if amount > 0:
                paid = Deposit(currency=currency, amount=amount, at=EPOCH)
                memory = step(memory, paid, at_once).memory
        return memory

    def _play(self, symbol: str, now: datetime, *, is_tick: bool) -> list[Step]:
        """Let the tape run up to ``now``; one that cannot be read leaves the price as it is.

        A tape of one price a look goes on with ticks and reads: an order gets the price read.
        """
        tape = self.prices.replay(symbol)
        steps: list[Step] = []
        if tape.is_stepped and not is_tick and symbol in self.memory.markets:
            return steps
        try:
            for seen in tape.news(now, LOOK_NEWS_MAX):
                steps.append(self.step(seen))
        except Invalid as wrong:
            logger.warning("tape_unreadable", extra={"symbol": symbol, "why": wrong.message})
        return steps
