"""``PaperExchange``: the simulation behind the exchange port, for one account.

Before a request is judged, the market of its symbol is brought up to ``now``: resting orders that
the market has reached since are served first. It writes nothing; ``changed_memory`` hands out what
must be stored with the reports.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from oms.adapters.paper.manual import news_of
from oms.adapters.paper.prices import TAPES, Prices, Source
from oms.adapters.paper.reports import reports_of
from oms.adapters.paper.rows import Unsaved, stored_memory
from oms.adapters.paper.settings import settings_of
from oms.adapters.paper.unified import UnifiedReads, answer
from oms.domain.account import Account
from oms.domain.errors import Conflict, Invalid
from oms.domain.instrument import Instrument
from oms.domain.money import ZERO
from oms.domain.order import Order
from oms.domain.report import Heard, Report, ReportKind
from oms.domain.value import evolve
from oms.ports.exchange import MemoryRows, Print, Quote
from oms.simulation.canonical import memory_hash
from oms.simulation.exchange import step
from oms.simulation.facts import Fact, Rejected
from oms.simulation.inputs import (
    Cancel,
    Change,
    Deposit,
    Input,
    News,
    Place,
    PlacePair,
    PrintSeen,
    Withdraw,
)
from oms.simulation.matching import market_of
from oms.simulation.memory import EPOCH, Market, Memory

logger = logging.getLogger(__name__)

LOOK_NEWS_MAX = 2000
"""News of a tape that one look takes; what is due beyond comes with the next look."""

ORDER_TYPES = frozenset({"market", "limit"})
"""What it executes."""


class PaperExchange:
    """One account at the paper exchange; an ``Exchange`` of the port."""

    def __init__(self, account: Account, memory: Memory, prices: Prices) -> None:
        self._memory = memory
        self._prices = prices
        self._venue = account.venue
        self._settings = settings_of(account)
        self._unsaved = Unsaved(prices.is_kept)

    @classmethod
    def restore(cls, account: Account, rows: MemoryRows, tapes: Path = TAPES) -> "PaperExchange":
        """The account's exchange as it was stored; without rows a new one with its first money.

        Raises ``InvariantBroken`` if the rows are not what was written, ``Invalid`` if the
        account's settings name an unknown price source.
        """
        prices = Prices(account, tapes)
        prices.resume(rows.prices)
        known = stored_memory(rows, prices.is_kept)
        exchange = cls(account, known or Memory(), prices)
        if known is None:
            for currency, amount in sorted(account.paper.balances.items()):
                if amount > 0:
                    exchange._step(Deposit(currency=currency, amount=amount, at=EPOCH))
            exchange._unsaved = Unsaved(prices.is_kept)
        return exchange

    def instruments(self) -> Mapping[str, Instrument]:
        """All instruments by symbol."""
        return self._settings.instruments

    def quote(self, symbol: str, now: datetime) -> Quote | None:
        """The best prices now, less what was taken since they were shown."""
        look = self._market if self._is_shown(symbol) else self._read
        try:
            market = look(symbol, now)
        except Invalid:  # told to who reads the market; here the price is not known
            market = None
        return None if market is None else _quote(market)

    async def place(self, order: Order, now: datetime) -> Sequence[Report]:
        """Send ``order``; a rejection is a report too."""
        if order.order_type not in ORDER_TYPES:
            return [_unsupported(order, now)]
        facts = self._look(order.symbol, now)
        facts += self._step(
            Place(
                client_id=str(order.id),
                symbol=order.symbol,
                side=order.side,
                order_type=order.order_type,
                qty=order.qty,
                price=None if order.order_type == "market" else order.price,
                reduce_only=order.reduce_only,
                post_only=order.post_only,
                at=now,
            )
        )
        return reports_of(facts, order.id, now)

    async def change(
        self, order: Order, price: Decimal | None, qty: Decimal | None, now: datetime
    ) -> Sequence[Report]:
        """Change price and/or total quantity; a ``rejected`` report means: not changed."""
        facts = self._look(order.symbol, now)
        facts += self._step(
            Change(
                client_id=str(order.id),
                exchange_order_id=order.exchange_order_id or "",
                symbol=order.symbol,
                price=price,
                qty=qty,
                at=now,
            )
        )
        return reports_of(facts, order.id, now)

    async def cancel(self, order: Order, now: datetime) -> Sequence[Report]:
        """Cancel what is left of ``order``; a ``rejected`` report means: not canceled."""
        facts = self._look(order.symbol, now)
        facts += self._step(
            Cancel(
                client_id=str(order.id),
                exchange_order_id=order.exchange_order_id or "",
                symbol=order.symbol,
                at=now,
            )
        )
        return reports_of(facts, order.id, now)

    async def advance(self, now: datetime) -> Sequence[Report]:
        """Let walks and tapes reach orders and positions."""
        facts: list[Fact] = []
        for symbol in self._alive():
            facts += self._look(symbol, now, is_tick=True)
        return reports_of(facts, None, now)

    def set_price(self, quote: Quote) -> Sequence[Report]:
        """Set a manual price. Raises ``Conflict`` where the source is not manual.

        Raises ``Invalid`` for prices that are not positive or crossed.
        """
        self._check_manual(quote.symbol)
        return reports_of(self._step(news_of(quote)), None, quote.at)

    def set_print(self, trade: Print) -> Sequence[Report]:
        """Tell of a trade of others. Raises as ``set_price``."""
        self._check_manual(trade.symbol)
        if trade.price <= ZERO or trade.qty <= ZERO:
            raise Invalid("a trade needs a price and a quantity above 0")
        seen = PrintSeen(
            symbol=trade.symbol, price=trade.price, qty=trade.qty, side=trade.side, at=trade.at
        )
        return reports_of(self._step(seen), None, trade.at)

    def deposit(self, currency: str, amount: Decimal, now: datetime) -> Sequence[Report]:
        """Pay money in, or below zero out. Raises ``Conflict`` for what is not free."""
        size = amount.copy_abs()
        if amount > ZERO:
            facts = self._step(Deposit(currency=currency, amount=size, at=now))
        else:
            facts = self._step(Withdraw(currency=currency, amount=size, at=now))
        for fact in facts:
            if isinstance(fact, Rejected):
                raise Conflict(fact.message, code=fact.code)
        return reports_of(facts, None, now)

    async def call(
        self, func: str, args: Sequence[object], kwargs: Mapping[str, object], now: datetime
    ) -> object:
        """A read by its ccxt name, in ccxt's shape.

        Raises ``Invalid`` with code ``unsupported_func`` for what is not answered here.
        """
        reads = UnifiedReads(
            venue=self._venue,
            settings=self._settings,
            prices=self._prices,
            balances=self._memory.balances,
            market=self._read,
            now=now,
        )
        return answer(reads, func, args, kwargs)

    def changed_memory(self) -> MemoryRows | None:
        """What changed since the last call and must be stored with the reports."""
        rows = self._unsaved.take(self._memory)
        if rows is None or not rows.prices:
            return rows
        prices = {name: self._prices.with_place(name, row) for name, row in rows.prices.items()}
        return evolve(rows, prices=prices)

    def memory_hash(self) -> str:
        """SHA-256 of the whole memory: equal exchanges have equal ones."""
        return memory_hash(self._memory)

    def _is_shown(self, symbol: str) -> bool:
        """Whether the price stands until somebody looks again."""
        if self._prices.source(symbol) is not Source.REPLAY:
            return True
        return symbol in self._memory.markets and self._prices.replay(symbol).is_stepped

    def _check_manual(self, symbol: str) -> None:
        if not self._is_manual(symbol):
            source = self._prices.source(symbol)
            message = f"the price of {symbol} comes from {source}; it cannot be set"
            raise Conflict(message, reason="price_source_not_manual")

    def _is_manual(self, symbol: str) -> bool:
        return self._prices.source(symbol) is Source.MANUAL

    @property
    def memory(self) -> Memory:
        """What it remembers."""
        return self._memory

    def tape_places(self) -> Mapping[str, str]:
        """How far each tape was played, by symbol, as text."""
        return {symbol: self._prices.with_place(symbol, "{}") for symbol in self._memory.markets}

    def take_over(self, memory: Memory, places: Mapping[str, str]) -> None:
        """Go on from a memory and ``tape_places`` of another run."""
        self._memory = memory
        self._prices.resume(places)

    def feed(self, input: Input) -> Sequence[Fact]:
        """One timed input, prices of what it concerns first: for scripts. Its facts.

        Raises ``Invalid`` for news of a symbol that has a price source of its own.
        """
        match input:
            case PlacePair(first=first):
                symbols = [first.symbol]
            case _:
                named: str | None = getattr(input, "symbol", None)
                symbols = self._alive() if named is None else [named]
        if isinstance(input, News) and not self._is_manual(input.symbol):
            source = self._prices.source(input.symbol)
            raise Invalid(f"the price of {input.symbol} comes from {source}; it cannot be told")
        facts = [fact for symbol in symbols for fact in self._look(symbol, input.at)]
        return facts + self._step(input)

    def _alive(self) -> list[str]:
        """Symbols with open orders or positions."""
        held = {symbol for symbol, _ in self._memory.positions}
        return [*self._memory.orders, *sorted(held - self._memory.orders.keys())]

    def _look(self, symbol: str, now: datetime, *, is_tick: bool = False) -> list[Fact]:
        """Bring the symbol's market up to ``now``, once per step of its walk."""
        source = self._prices.source(symbol)
        if source is Source.REPLAY:
            return self._play(symbol, now, is_tick=is_tick)
        if source is Source.MANUAL:
            return []
        shown = self._prices.shown(self._settings.instruments[symbol], now)
        known = self._memory.markets.get(symbol)
        if known is not None and known.at == shown.at:
            return []
        return self._step(shown)

    def _play(self, symbol: str, now: datetime, *, is_tick: bool) -> list[Fact]:
        """Let the tape run up to ``now``; one that cannot be read leaves the price as it is.

        A tape of one price a look goes on with ticks and reads: an order gets the price read.
        """
        tape = self._prices.replay(symbol)
        facts: list[Fact] = []
        if tape.is_stepped and not is_tick and symbol in self._memory.markets:
            return facts
        try:
            for seen in tape.news(now, LOOK_NEWS_MAX):
                facts += self._step(seen)
        except Invalid as wrong:
            logger.warning("tape_unreadable", extra={"symbol": symbol, "why": wrong.message})
        return facts

    def _read(self, symbol: str, now: datetime) -> Market | None:
        """The market at ``now``; a tape runs as far as nothing happens to the account by it.

        Raises ``Invalid`` where a tape cannot be read.
        """
        if self._prices.source(symbol) is Source.REPLAY:
            for seen in self._prices.replay(symbol).news(now, LOOK_NEWS_MAX):
                result = step(self._memory, seen, self._settings)
                if result.facts or result.told:
                    break
                self._memory = result.memory
                self._unsaved.add(result)
        return self._market(symbol, now)

    def _step(self, input: Input) -> list[Fact]:
        result = step(self._memory, input, self._settings)
        self._memory = result.memory
        self._unsaved.add(result)
        return list(result.facts)

    def _market(self, symbol: str, now: datetime) -> Market | None:
        """The market at ``now``; looking at it serves no order."""
        known = self._memory.markets.get(symbol)
        if self._prices.is_kept(symbol):
            return known
        shown = self._prices.shown(self._settings.instruments[symbol], now)
        return known if known is not None and known.at == shown.at else market_of(shown)


def _quote(market: Market) -> Quote | None:
    bid, ask = market.bids.best, market.asks.best
    if bid is None or ask is None:
        return None
    return Quote(
        symbol=market.symbol,
        bid=bid[0],
        ask=ask[0],
        bid_qty=bid[1],
        ask_qty=ask[1],
        at=market.at,
    )


def _unsupported(order: Order, now: datetime) -> Report:
    return Report(
        kind=ReportKind.REJECTED,
        order_id=order.id,
        heard=Heard.REPLY,
        heard_at=now,
        code="order_type_not_supported",
        message=f"the paper exchange does not know the order type {order.order_type}",
    )
