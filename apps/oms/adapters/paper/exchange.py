"""``PaperExchange``: the simulation behind the exchange port, for one account.

Before a request is judged, the market of its symbol is brought up to ``now``: resting orders that
the market has reached since are served first. Reports are made of what is *told*, which may come
late, twice or not at all, while the memory holds what is true. It writes nothing;
``changed_memory`` hands out what must be stored with the reports.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from oms.adapters.paper.account_reads import AccountReads
from oms.adapters.paper.engine import PaperEngine
from oms.adapters.paper.manual import news_of
from oms.adapters.paper.operated import Operated
from oms.adapters.paper.prices import TAPES, Source
from oms.adapters.paper.reports import Reporter
from oms.adapters.paper.settings import LIVE_PRICE_AGE
from oms.adapters.paper.snapshot import snapshot_of
from oms.adapters.paper.standing import Standing
from oms.adapters.paper.tickets import request_of
from oms.adapters.paper.trading import PaperTrading
from oms.adapters.paper.unified import UnifiedReads, answer
from oms.domain.account import Account, PositionMode
from oms.domain.errors import Conflict, Invalid
from oms.domain.instrument import Instrument
from oms.domain.money import ZERO
from oms.domain.order import Order
from oms.domain.report import Charge, Heard, Report, ReportKind
from oms.domain.value import constructor
from oms.ports.exchange import MemoryRows, Print, Quote, Snapshot, StalePrice, Traded
from oms.ports.history import History
from oms.ports.live_prices import LivePrices
from oms.simulation.canonical import memory_hash
from oms.simulation.facts import Fact, Outcome, Rejected, Step
from oms.simulation.inputs import (
    Ask,
    Cancel,
    Change,
    Deposit,
    Input,
    News,
    Place,
    PlacePair,
    PrintSeen,
    Reset,
    Withdraw,
)
from oms.simulation.memory import Market, Memory

_new_quote = constructor(Quote)


class PaperExchange(Operated, Standing):
    """One account at the paper exchange; an ``Exchange`` of the port."""

    def __init__(
        self, account: Account, engine: PaperEngine, history: History | None = None
    ) -> None:
        self._account = account
        self._history = history
        self._engine = engine
        self._reporter = Reporter()
        self._stale: list[StalePrice] = []
        #: Whether the exchange nets contracts that the account holds apart.
        self._is_virtual = not (
            account.position_mode is PositionMode.NETTING or engine.settings.hedge
        )

    @classmethod
    def restore(
        cls,
        account: Account,
        rows: MemoryRows,
        tapes: Path = TAPES,
        history: History | None = None,
        feed: LivePrices | None = None,
        live_age: timedelta = LIVE_PRICE_AGE,
    ) -> "PaperExchange":
        """The account's exchange as it was stored; without rows a new one with its first money.

        In ``history`` the ledger records orders; without it those that are over cannot be read.
        Symbols of the source ``live`` have the prices of ``feed``, none older than ``live_age``.
        Raises ``InvariantBroken`` if the rows are not what was written, ``Invalid`` if the
        account's settings name an unknown price source.
        """
        return cls(account, PaperEngine(account, rows, tapes, feed, live_age), history)

    def instruments(self) -> Mapping[str, Instrument]:
        """All instruments by symbol."""
        return self._engine.settings.instruments

    def quote(self, symbol: str, now: datetime) -> Quote | None:
        """The best prices now, less what was taken since they were shown."""
        engine = self._engine
        look = engine.market if engine.is_shown(symbol) else engine.read
        try:
            market = look(symbol, now)
        except Invalid:  # told to who reads the market; here the price is not known
            market = None
        return None if market is None else _quote(market)

    async def place(self, order: Order, now: datetime) -> Sequence[Report]:
        """Send ``order``; a rejection is a report too. Nothing about it: its answer is on the way.

        A lost answer is a report of kind ``unknown``.
        """
        try:
            instrument = self._engine.settings.instruments[order.symbol]
            wish = request_of(order, instrument, now, is_virtual=self._is_virtual)
        except Invalid as wrong:
            return [_rejected(order, wrong.code, wrong.message, now)]
        steps = self._engine.look(order.symbol, now)
        result = self._engine.step(wish)
        steps.append(result)
        reports = self._told(steps, now, order)
        outcome = result.answer.outcome
        if outcome is Outcome.TOLD:
            return reports
        if outcome is Outcome.LOST and all(report.order_id != order.id for report in reports):
            reports.append(_about(order, ReportKind.UNKNOWN, Heard.REPLY, now))
        if outcome is Outcome.OVERLOADED:
            message = "the exchange asks for a pause and has not looked at the order"
            reports.append(_rejected(order, "exchange_rate_limited", message, now))
        return reports

    async def change(
        self, order: Order, price: Decimal | None, qty: Decimal | None, now: datetime
    ) -> Sequence[Report]:
        """Change price and/or total quantity; a ``rejected`` report means: not changed."""
        steps = self._engine.look(order.symbol, now)
        wish = Change(
            client_id=str(order.id),
            exchange_order_id=order.exchange_order_id or "",
            symbol=order.symbol,
            price=price,
            qty=qty,
            at=now,
        )
        steps.append(self._engine.step(wish))
        return self._told(steps, now, order)

    async def cancel(self, order: Order, now: datetime) -> Sequence[Report]:
        """Cancel what is left of ``order``; a ``rejected`` report means: not canceled."""
        steps = self._engine.look(order.symbol, now)
        wish = Cancel(
            client_id=str(order.id),
            exchange_order_id=order.exchange_order_id or "",
            symbol=order.symbol,
            at=now,
        )
        steps.append(self._engine.step(wish))
        return self._told(steps, now, order)

    async def ask(self, order: Order, now: datetime) -> Sequence[Report]:
        """What is known of an order whose answer was lost; ``not_placed`` if it never arrived.

        Nothing about it: its request is still on the way, or all was told before.
        """
        steps = self._engine.look(order.symbol, now)
        steps.append(self._engine.step(Ask(client_id=str(order.id), at=now)))
        reports = self._told(steps, now, order, Heard.RECONCILE)
        if any(report.order_id == order.id for report in reports):
            return reports
        open_order = self._open(order)
        if open_order is not None:
            kind, name = ReportKind.ACCEPTED, open_order
        elif order.exchange_order_id is not None or self._is_coming(order):
            return reports
        else:
            kind, name = ReportKind.NOT_PLACED, None
        return [*reports, _about(order, kind, Heard.RECONCILE, now, name)]

    async def snapshot(self, since: datetime, now: datetime) -> Snapshot:
        """What the account really is, whatever was told of it."""
        return snapshot_of(self._engine, since, now, self._account.paper.balances)

    async def advance(self, now: datetime) -> Sequence[Report]:
        """Let walks and tapes reach orders and positions, and time do what is due."""
        steps = self._engine.look_round(now, is_tick=True)
        self._stale += self._engine.stale(now)
        return self._told(steps, now)

    def is_moved_by_time(self) -> bool:
        """Whether anything may happen to the account without a command."""
        return self._engine.is_moved_by_time()

    def set_price(self, quote: Quote) -> Sequence[Report]:
        """Set a manual price. Raises ``Conflict`` where the source is not manual.

        Raises ``Invalid`` for prices that are not positive or crossed.
        """
        self._check_manual(quote.symbol)
        return self._told([self._engine.step(news_of(quote))], quote.at)

    def set_print(self, trade: Print) -> Sequence[Report]:
        """Tell of a trade of others. Raises as ``set_price``."""
        self._check_manual(trade.symbol)
        if trade.price <= ZERO or trade.qty <= ZERO:
            raise Invalid("a trade needs a price and a quantity above 0")
        seen = PrintSeen(
            symbol=trade.symbol, price=trade.price, qty=trade.qty, side=trade.side, at=trade.at
        )
        return self._told([self._engine.step(seen)], trade.at)

    def deposit(self, currency: str, amount: Decimal, now: datetime) -> Sequence[Report]:
        """Pay money in, or below zero out. Raises ``Conflict`` for what is not free."""
        size = amount.copy_abs()
        if amount > ZERO:
            result = self._engine.step(Deposit(currency=currency, amount=size, at=now))
        else:
            result = self._engine.step(Withdraw(currency=currency, amount=size, at=now))
        for fact in result.facts:
            if isinstance(fact, Rejected) and not fact.client_id:
                raise Conflict(fact.message, code=fact.code)
        return self._told([result], now)

    async def reset(
        self, balances: Mapping[str, Decimal] | None, now: datetime
    ) -> Sequence[Report]:
        """Cancel all orders, close all positions at the mark, and begin with these balances.

        ``None``: those of the account's settings. Raises ``Invalid`` for a negative one.
        """
        wished = self._account.paper.balances if balances is None else balances
        if any(amount < ZERO for amount in wished.values()):
            raise Invalid("no balance can be below 0")
        steps = self._engine.look_round(now)
        told = tuple((name, amount) for name, amount in sorted(wished.items()) if amount)
        steps.append(self._engine.step(Reset(balances=told, at=now)))
        return self._told(steps, now)

    def charges(self) -> Sequence[Charge]:
        """Payments that were told since the last call: funding, transfers, insurance."""
        return self._reporter.charges()

    async def call(
        self, func: str, args: Sequence[object], kwargs: Mapping[str, object], now: datetime
    ) -> object:
        """A read by its ccxt name, in ccxt's shape.

        Raises ``Invalid`` with code ``unsupported_func`` for what is not answered here.
        """
        engine = self._engine
        market = UnifiedReads(
            venue=self._account.venue,
            settings=engine.settings,
            prices=engine.prices,
            market=engine.read,
            now=now,
            contracts=engine.memory.contracts,
        )
        account = AccountReads(
            account_id=self._account.id,
            settings=engine.settings,
            memory=engine.memory,
            market=engine.market,
            trades=engine.trades,
            history=self._history,
            now=now,
        )
        return await answer(market, account, func, args, kwargs)

    async def trade(
        self, func: str, args: Sequence[object], kwargs: Mapping[str, object], now: datetime
    ) -> Traded:
        """A trade in ccxt's words; whatever it did before it failed is told."""
        trading = PaperTrading(engine=self._engine, now=now)
        value, refused = trading.answer(func, args, kwargs)
        return Traded(value=value, refused=refused, reports=self._told(trading.steps, now))

    def changed_memory(self) -> MemoryRows | None:
        """What changed since the last call and must be stored with the reports."""
        return self._engine.changed_rows()

    def memory_hash(self) -> str:
        """SHA-256 of the whole memory: equal exchanges have equal ones."""
        return memory_hash(self._engine.memory)

    @property
    def memory(self) -> Memory:
        """What it remembers."""
        return self._engine.memory

    def tape_places(self) -> Mapping[str, str]:
        """How far each tape was played, by symbol, as text."""
        return self._engine.tape_places()

    def take_over(self, memory: Memory, places: Mapping[str, str]) -> None:
        """Go on from a memory and ``tape_places`` of another run."""
        self._engine.take_over(memory, places)

    def feed(self, input: Input) -> Sequence[Fact]:
        """One timed input, prices of what it concerns first: for scripts. Its facts.

        Raises ``Invalid`` for news of a symbol that has a price source of its own.
        """
        match input:
            case PlacePair(first=first):
                symbols = [first.symbol]
            case _:
                named: str | None = getattr(input, "symbol", None)
                symbols = self._engine.alive() if named is None else [named]
        if isinstance(input, News) and not self._is_manual(input.symbol):
            source = self._engine.prices.source(input.symbol)
            raise Invalid(f"the price of {input.symbol} comes from {source}; it cannot be told")
        steps = [each for symbol in symbols for each in self._engine.look(symbol, input.at)]
        steps.append(self._engine.step(input))
        return [fact for each in steps for fact in each.facts]

    def _told(
        self,
        steps: Sequence[Step],
        now: datetime,
        asked: Order | None = None,
        answer: Heard = Heard.REPLY,
    ) -> list[Report]:
        name = None if asked is None else asked.id
        return self._reporter.reports(steps, self._engine.made, now, name, answer)

    def _check_manual(self, symbol: str) -> None:
        if not self._is_manual(symbol):
            source = self._engine.prices.source(symbol)
            message = f"the price of {symbol} comes from {source}; it cannot be set"
            raise Conflict(message, reason="price_source_not_manual")

    def _is_manual(self, symbol: str) -> bool:
        return self._engine.prices.source(symbol) is Source.MANUAL

    def _open(self, order: Order) -> str | None:
        """The exchange's id of ``order`` if it is open there."""
        held = self._engine.memory.orders.get(order.symbol, {})
        client_id = str(order.id)
        return next((name for name, each in held.items() if each.client_id == client_id), None)

    def _is_coming(self, order: Order) -> bool:
        """Whether the request to place ``order`` has not arrived yet."""
        line = self._engine.memory.line
        requests = () if line is None else (each.request for each in line.arrivals)
        client_id = str(order.id)
        firsts = (each.first if isinstance(each, PlacePair) else each for each in requests)
        return any(isinstance(each, Place) and each.client_id == client_id for each in firsts)


def _quote(market: Market) -> Quote | None:
    bid, ask = market.bids.best, market.asks.best
    if bid is None or ask is None:
        return None
    return _new_quote(
        symbol=market.symbol,
        bid=bid[0],
        ask=ask[0],
        bid_qty=bid[1],
        ask_qty=ask[1],
        at=market.at,
    )


def _about(
    order: Order, kind: ReportKind, heard: Heard, now: datetime, name: str | None = None
) -> Report:
    return Report(kind=kind, order_id=order.id, heard=heard, heard_at=now, exchange_order_id=name)


def _rejected(order: Order, code: str, message: str, now: datetime) -> Report:
    return Report(
        kind=ReportKind.REJECTED,
        order_id=order.id,
        heard=Heard.REPLY,
        heard_at=now,
        code=code,
        message=message,
    )
