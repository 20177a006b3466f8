"""One run of a bot: it replays the stored candles, then decides at each that closes.

What was decided is recorded together with the candle that it was decided on and with the signal, in
one transaction under the lease of the bot. A run that takes over from another begins after that
candle, so it neither repeats nor leaves out one; a bot that was started begins after the candle
that had closed last. The side that a strategy sees is that of the ledger; a bot that only observes
sees the one that its decisions would have led to.
"""

import asyncio
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from oms.domain.bots.bot import Bot, BotMode, DecisionResult
from oms.domain.bots.decision import BotEvent, is_late
from oms.domain.ledger.position import Position
from oms.domain.market.candle import Candle
from oms.domain.market.candle_rows import CandleRow
from oms.domain.value import evolve
from oms.ports.clock import Clock
from oms.ports.history_reads import HistoryQuery
from oms.ports.market.candle_store import CandleSeries, InstrumentStore
from oms.ports.notifier import Notifier, Topic
from oms.ports.research.strategy_process import StrategyFailed
from oms.ports.runner.bots import BotRuns, NewDecision
from oms.ports.runner.task_leases import TaskLease
from oms.services.bots.bot_signals import BuildSignal
from oms.services.bots.evaluator import Evaluator, Evaluators
from oms.strategies.executable import ENTERED, executable_decisions
from oms.strategies.strategy import Action, Decision, PositionSide
from oms.task_cancellation import cancel_all

BEAT_SECONDS = 1.0
REPLAY_CANDLES = 200
"""Candles between two chances for other tasks of the process."""
POSITIONS_MAX = 500
_STEP = timedelta(microseconds=1)


Opened = TypeVar("Opened")


class ClosedCandleReads(Protocol):
    """What a bot reads of candles: a part of ``CandleStore``."""

    async def newest_closed(
        self, series: Collection[CandleSeries]
    ) -> Mapping[CandleSeries, datetime]:
        """Return the open times of the newest closed candles. Raises ``Unavailable``."""
        ...

    def closed(
        self, series: CandleSeries, start: datetime | None = None, end: datetime | None = None
    ) -> AsyncIterator[CandleRow]:
        """Yield closed candles that open in [start, end), ascending. Raises ``Unavailable``."""
        ...


class PositionReads(Protocol):
    """What a bot reads of the ledger: a part of ``HistoryReads``."""

    async def open_positions(self, window: HistoryQuery, limit: int) -> Sequence[Position]:
        """Return open positions. Raises ``Unavailable``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BotServices:
    """What the runs of bots share."""

    runs: BotRuns
    candles: ClosedCandleReads
    instruments: InstrumentStore
    history: PositionReads
    evaluators: Evaluators
    build_signal: BuildSignal
    notifier: Notifier
    clock: Clock
    #: Least time between two records without a decision; a replay that is faster saves them.
    record_seconds: float = 0.0


@dataclass(slots=True, kw_only=True)
class BotRun:
    """A bot at work under its lease."""

    bot: Bot
    lease: TaskLease
    services: BotServices
    #: By symbol.
    series: dict[str, CandleSeries] = field(default_factory=dict)
    decided: dict[str, datetime] = field(default_factory=dict)
    _evaluators: dict[str, Evaluator] = field(default_factory=dict)
    #: Of a bot that observes.
    _sides: dict[str, PositionSide] = field(default_factory=dict)
    #: Signals of the bot that had not ended when they were last looked at.
    _undecided: int = 0
    _recorded_at: float = float("-inf")

    async def open(self, beat: Callable[[], Awaitable[None]], *, is_fresh: bool) -> None:
        """Replay the stored candles: those that were decided on, or with ``is_fresh`` all.

        ``beat`` is called again and again meanwhile.

        Raises ``StrategyFailed``, ``Unavailable``.
        """
        terms, services = self.bot.terms, self.services
        for symbol in terms.symbols:
            instrument = await services.instruments.find(terms.exchange, symbol)
            if instrument is None:
                message = f"there is no instrument {symbol} at {terms.exchange}"
                raise StrategyFailed(message, reason="unknown_instrument")
            self.series[symbol] = CandleSeries(
                instrument_id=instrument.id, timeframe=terms.timeframe
            )
        newest = await services.candles.newest_closed([*self.series.values()])
        for symbol, series in self.series.items():
            stored = None if is_fresh else self.bot.report.decided.get(symbol)
            last = stored or newest.get(series)
            opening = services.evaluators.open(terms, series)
            self._evaluators[symbol] = await _with_beats(opening, beat)
            if last is not None:
                self.decided[symbol] = last
                await self._replay(symbol, series, last, beat)
        await self._read_history(is_fresh=is_fresh)

    async def step(self, newest: Mapping[CandleSeries, datetime]) -> Sequence[NewDecision]:
        """Decide on the candles that have closed; returns what was recorded.

        Raises ``StrategyFailed``, ``LeaseLost``, ``Unavailable``.
        """
        due = [symbol for symbol in self.series if self._is_due(symbol, newest)]
        if not due:
            return ()
        sides = await self._read_sides(due)
        decided, decisions = dict(self.decided), list[NewDecision]()
        for symbol in due:
            after = decided.get(symbol)
            start = None if after is None else after + _STEP
            side = sides[symbol]
            async for row in self.services.candles.closed(self.series[symbol], start):
                made, side = await self._decide(symbol, row.candle, side)
                decisions += made
                decided[symbol] = row.candle.open_time
            sides[symbol] = side
        await self._record(decided, decisions)
        self.decided = decided
        self._sides |= sides
        return decisions

    async def count_undecided(self) -> None:
        """Read how many signals of the bot have not ended. Raises ``Unavailable``."""
        self._undecided = len(await self.services.runs.undecided(self.bot.id))

    async def follow_signals(self) -> bool:
        """Record what became of signals; returns whether all have ended.

        Raises ``LeaseLost``, ``Unavailable``.
        """
        if not self._undecided:
            return True
        outcomes = await self.services.runs.ended(self.bot.id)
        if outcomes:
            now = self.services.clock.now()
            await self.services.runs.record_outcomes(self.lease, self.bot, outcomes, now)
            self._undecided -= len(outcomes)
        return self._undecided <= 0

    async def close(self) -> None:
        """End the evaluations of the strategy."""
        for evaluator in self._evaluators.values():
            await evaluator.close()

    def _is_due(self, symbol: str, newest: Mapping[CandleSeries, datetime]) -> bool:
        last, decided = newest.get(self.series[symbol]), self.decided.get(symbol)
        return last is not None and (decided is None or last > decided)

    async def _replay(
        self,
        symbol: str,
        series: CandleSeries,
        last: datetime,
        beat: Callable[[], Awaitable[None]],
    ) -> None:
        evaluator, candles = self._evaluators[symbol], list[Candle]()
        async for row in self.services.candles.closed(series, end=last + _STEP):
            candles.append(row.candle)
            if len(candles) == REPLAY_CANDLES:
                await evaluator.replay(candles)
                candles = []
                await beat()
                await asyncio.sleep(0)
        await evaluator.replay(candles)

    async def _read_history(self, *, is_fresh: bool) -> None:
        """Read which signals have not ended, and the sides of a bot that observes."""
        runs, bot = self.services.runs, self.bot
        await self.count_undecided()
        if bot.terms.mode is not BotMode.OBSERVE or is_fresh:
            return
        actions = await runs.last_actions(bot, bot.report.started_at)
        for symbol, text in actions.items():
            self._sides[symbol] = ENTERED.get(Action(text), PositionSide.FLAT)

    async def _read_sides(self, symbols: Sequence[str]) -> dict[str, PositionSide]:
        """Return what is held of the symbols: by the ledger, or by the decisions observed."""
        terms = self.bot.terms
        sides = dict.fromkeys(symbols, PositionSide.FLAT)
        if terms.mode is BotMode.OBSERVE:
            return {symbol: self._sides.get(symbol, sides[symbol]) for symbol in symbols}
        window = HistoryQuery(
            account_ids=[terms.account_id], strategy_id=terms.strategy_id, with_total=False
        )
        for position in await self.services.history.open_positions(window, POSITIONS_MAX):
            if position.symbol in sides and position.qty:
                is_long = position.qty > 0
                sides[position.symbol] = PositionSide.LONG if is_long else PositionSide.SHORT
        return sides

    async def _decide(
        self, symbol: str, candle: Candle, side: PositionSide
    ) -> tuple[list[NewDecision], PositionSide]:
        """Return what is decided on a candle, and the side that it leads to."""
        terms, made = self.bot.terms, list[NewDecision]()
        decisions = await self._evaluators[symbol].decide(candle, side)
        executable = executable_decisions(decisions, side, allow_short=terms.allow_short)
        for decision in executable:
            new = await self._new_decision(symbol, candle, decision)
            made.append(new)
            if new.event.result != DecisionResult.SKIPPED_LATE.value:
                side = ENTERED.get(decision.action, PositionSide.FLAT)
        return made, side

    async def _new_decision(self, symbol: str, candle: Candle, decision: Decision) -> NewDecision:
        bot, services = self.bot, self.services
        now, closed_at = services.clock.now(), bot.terms.timeframe.next_open(candle.open_time)
        event = BotEvent(
            id=await services.runs.new_event_ids(1),
            bot_id=bot.id,
            at=now,
            kind="decision",
            symbol=symbol,
            bar=candle.open_time,
            action=decision.action.value,
            price=candle.close,
            stop_loss=decision.stop_loss,
            stop_gain=decision.stop_gain,
        )
        if not decision.action.is_exit and is_late(bot.terms, closed_at, now):
            return NewDecision(event=evolve(event, result=DecisionResult.SKIPPED_LATE.value))
        if bot.terms.mode is BotMode.OBSERVE:
            return NewDecision(event=evolve(event, result=DecisionResult.OBSERVED.value))
        return await services.build_signal(bot, event, decision, closed_at, now)

    async def _record(
        self, decided: Mapping[str, datetime], decisions: Sequence[NewDecision]
    ) -> None:
        services, began_at = self.services, time.monotonic()
        if not decisions and began_at - self._recorded_at < services.record_seconds:
            return
        now = services.clock.now()
        await services.runs.record(self.lease, self.bot, decided, decisions, now)
        self._recorded_at = began_at
        sent = [each.command.id for each in decisions if each.command is not None]
        if sent:
            self._undecided += len(sent)
            services.notifier.notify(Topic.COMMANDS, sent)


async def _with_beats(
    work: Coroutine[Any, Any, Opened], beat: Callable[[], Awaitable[None]]
) -> Opened:
    """Return the result of ``work``; ``beat`` is called again and again meanwhile."""
    task = asyncio.create_task(work)
    try:
        while not (await asyncio.wait({task}, timeout=BEAT_SECONDS))[0]:
            await beat()
    except BaseException:
        await cancel_all([task])
        raise
    return await task
