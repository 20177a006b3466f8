"""Replays a backtest through a whole gateway: bot, signal, risk, paper matching, ledger.

The gateway runs in this process on a throw-away SQLite file, on a clock that follows the candles.
At each candle happens what happens in a backtest, in the same order: the open is a quote, which
executes the levels that it passed; what the bot sent at the close before is executed; the range
executes levels; the bot decides. So its deals are those of the run, to the last digit.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from oms.adapters.local_notifier import LocalNotifier
from oms.adapters.paper.pushed_market import PushedMarketExchange
from oms.adapters.sql.maintenance import migration_runner as migrations
from oms.adapters.vault import new_master_key
from oms.backtest.settings import OPEN_PRESET, BacktestSettings
from oms.bootstrap.bots import build_bot_services
from oms.bootstrap.replay_reads import KnownPositions, MemoryCandles
from oms.bootstrap.replay_trailing import ReplayTrailing
from oms.bootstrap.simulated_gateway import SimulatedGateway, open_simulated_gateway
from oms.bootstrap.strategies import build_start_strategy
from oms.config import Settings
from oms.domain.bots.bot import Bot, BotTerms
from oms.domain.errors import Invalid
from oms.domain.instrument import Instrument
from oms.domain.market.candle import Candle
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.domain.money import decimal_text
from oms.domain.signals.signal import Sizing, SizingKind
from oms.domain.value import evolve, value
from oms.ports.audit_log import AuditContext
from oms.ports.exchange import ExchangePorts
from oms.ports.history_reads import HistoryQuery
from oms.ports.ledger_store import LoadedAccount
from oms.ports.market.candle_store import CandleSeries
from oms.ports.registry import AuditEntry
from oms.ports.research.strategy_process import StrategyProcesses
from oms.services.backtests.compare_deals import ComparedDeal
from oms.services.backtests.finished_run import Parameters
from oms.services.bots.evaluator import Evaluators, OwnProcessEvaluators, ProcessEvaluators
from oms.services.bots.flatten_bot import FlattenBot
from oms.services.bots.run_bot import BotRun
from oms.simulation.inputs import CandleClosed, MarketUpdate, QuoteUpdate
from oms.strategies.catalog import find_strategy
from oms.wire.json import dumps
from oms.wire.strategies.parameters_json import hash_parameters

EXCHANGE = "replay"
LEASE_SECONDS = 86_400.0
#: Beyond any gap of the candles: what was decided is executed at the next one, as in a backtest.
LAG_SECONDS = 100 * 366 * 86_400
ROUNDS_MAX = 100
DEALS_PER_PAGE = 500


@value
class ReplayedRun:
    """What a replay depends on beside the candles; ``parameters`` are all of the strategy."""

    strategy: str
    version: str
    parameters: Parameters
    settings: BacktestSettings


async def replay_backtest(
    run: ReplayedRun, candles: Sequence[Candle], processes: StrategyProcesses | None = None
) -> Sequence[ComparedDeal]:
    """Return the deals that the gateway makes of a backtest's candles, in order.

    Without ``processes`` a built-in strategy runs in this process. Raises ``Invalid`` for a run
    that cannot be replayed, and ``StrategyFailed``.
    """
    settings = run.settings
    if settings.risk_preset != OPEN_PRESET:
        raise Invalid("limits are observed between candles: a run with a preset is not replayed")
    if settings.funding:
        raise Invalid("the replay pays no funding: a run of a contract with rates is not replayed")
    inside = [c for c in candles if settings.end is None or c.open_time < settings.end]
    before = [c for c in inside if settings.start is not None and c.open_time < settings.start]
    traded = inside[len(before) :]
    if not traded:
        raise Invalid("no candle lies between start and end")
    with TemporaryDirectory(prefix="oms-replay-") as folder:
        gateway_settings = Settings.model_validate(
            {
                "home": folder,
                "database_url": f"sqlite+aiosqlite:///{Path(folder) / 'oms.sqlite3'}",
                "master_key": new_master_key(),
                "signal_key": new_master_key(),
            }
        )
        await migrations.upgrade(gateway_settings.dsn)
        exchanges: dict[int, PushedMarketExchange] = {}
        contract = contract_of_replay(settings.instrument)

        def connect(loaded: LoadedAccount, _: object) -> ExchangePorts:
            exchange = PushedMarketExchange(loaded, {contract.symbol: contract})
            exchanges[loaded.account.id] = exchange
            return ExchangePorts(trading=exchange, calls=exchange, paper=exchange)

        opened = open_simulated_gateway(gateway_settings, traded[0].open_time, connect)
        async with opened as gateway:
            evaluators = _evaluators(gateway, processes)
            replay = await _Replay.prepare(gateway, run, evaluators, contract, exchanges, before)
            try:
                return await replay.run(traded)
            finally:
                await replay.bot_run.close()


def _evaluators(gateway: SimulatedGateway, processes: StrategyProcesses | None) -> Evaluators:
    if processes is None:
        return OwnProcessEvaluators(find_strategy=find_strategy)
    return ProcessEvaluators(
        processes=processes, start=build_start_strategy(gateway.store, gateway.clock)
    )


def contract_of_replay(instrument: Instrument) -> Instrument:
    """Return the instrument of a run under the name of a contract, at which levels may rest."""
    return evolve(instrument, symbol=f"{instrument.base}/{instrument.quote}:{instrument.settle}")


@dataclass(slots=True, kw_only=True)
class _Replay:
    gateway: SimulatedGateway
    timeframe: Timeframe
    symbol: str
    bot: Bot
    bot_run: BotRun
    candles: MemoryCandles
    positions: KnownPositions
    exchanges: Mapping[int, PushedMarketExchange]
    trailing: ReplayTrailing | None
    _has_sent: bool = False

    @classmethod
    async def prepare(
        cls,
        gateway: SimulatedGateway,
        run: ReplayedRun,
        evaluators: Evaluators,
        contract: Instrument,
        exchanges: Mapping[int, PushedMarketExchange],
        before: Sequence[Candle],
    ) -> "_Replay":
        """Create account, strategy and bot, and let the bot see the candles before the window."""
        store, settings = gateway.store, run.settings
        context = AuditContext(actor="replay", at=gateway.clock.now())
        account_id = await _create_account(gateway, settings, contract)
        strategy_id = await store.strategies.create("replay", None, [account_id], context)
        await store.instruments.add(_market_instrument(contract), context)
        await gateway.take_leases()
        await gateway.load_account(account_id)
        terms = _terms(run, contract, account_id, strategy_id)
        bot = await store.bots.create(terms, context)
        task = f"bot:{bot.id}"
        (lease,) = await store.task_leases.acquire("replay", [task], LEASE_SECONDS)
        candles = MemoryCandles(settings.timeframe)
        for candle in before:
            candles.add(candle)
        positions = KnownPositions(store.history)
        services = build_bot_services(
            store,
            LocalNotifier(),
            gateway.clock,
            evaluators,
            record_seconds=1.0,
        )
        services = replace(services, candles=candles, history=positions)
        bot_run = BotRun(bot=bot, lease=lease, services=services)
        await bot_run.open(_nothing, is_fresh=True)
        return cls(
            gateway=gateway,
            timeframe=settings.timeframe,
            symbol=contract.symbol,
            bot=bot,
            bot_run=bot_run,
            candles=candles,
            positions=positions,
            exchanges=exchanges,
            trailing=_trailing(gateway, settings),
        )

    async def run(self, traded: Sequence[Candle]) -> Sequence[ComparedDeal]:
        """Push the candles of the window, close what is open at the end, return the deals."""
        for candle in traded[:-1]:
            await self._trade(candle)
            self.candles.add(candle)
            decisions = await self.bot_run.step(await self.candles.newest_closed(self._series()))
            self._has_sent = any(each.command is not None for each in decisions)
            await asyncio.sleep(0)
        await self._trade(traded[-1])
        await self._finish(traded[-1])
        return await self._deals()

    async def _trade(self, candle: Candle) -> None:
        """Execute what the candle before led to, and the levels that this one reaches."""
        clock, closed_at = self.gateway.clock, self.timeframe.next_open(candle.open_time)
        if self._has_sent or not self._exchange().is_idle():
            clock.set(candle.open_time)
            await self._push(_quote(self.symbol, candle.open, candle.open_time))
            await self._trail(None)
            self._has_sent = False
        clock.set(closed_at)
        if not self._exchange().is_idle():
            await self._push(_range(self.symbol, candle, closed_at))
            await self._trail(candle)

    async def _trail(self, candle: Candle | None) -> None:
        """Move the trailing stop of what is open, if the run has one."""
        if self.trailing is None:
            return
        window = HistoryQuery(account_ids=[self.bot.terms.account_id], with_total=False)
        found = await self.positions.open_positions(window, 1)
        if await self.trailing.follow(found[0] if found else None, candle):
            await self._settle()

    async def _finish(self, last: Candle) -> None:
        """Close what is open at the last close, as a bot that is stopped."""
        at, store = self.timeframe.next_open(last.open_time), self.gateway.store
        if self._exchange().is_idle():
            return
        await self._push(_quote(self.symbol, last.close, at))
        flatten = FlattenBot(
            queue=store.queue,
            history=store.history,
            ids=store.ids,
            notifier=LocalNotifier(),
            clock=self.gateway.clock,
        )
        await flatten.send(self.bot, 0)
        await self._settle()

    async def _push(self, update: MarketUpdate) -> None:
        self._exchange().push(update)
        await self._settle()

    async def _settle(self) -> None:
        """Let everything happen that follows at this instant."""
        for _ in range(ROUNDS_MAX):
            if not await self.gateway.poll_market():
                self.positions.forget()
                return
        raise Invalid(f"the gateway does not come to rest at {self.gateway.clock.now()}")

    def _exchange(self) -> PushedMarketExchange:
        return self.exchanges[self.bot.terms.account_id]

    def _series(self) -> Collection[CandleSeries]:
        return self.bot_run.series.values()

    async def _deals(self) -> Sequence[ComparedDeal]:
        query = HistoryQuery(
            account_ids=[self.bot.terms.account_id],
            page_size=DEALS_PER_PAGE,
            after_id=0,
            with_total=False,
        )
        deals: list[ComparedDeal] = []
        while True:
            page = (await self.gateway.store.history.deals(query)).items
            for deal in page[:DEALS_PER_PAGE]:
                deals.append(
                    ComparedDeal(
                        at=deal.executed_at,
                        side=deal.side,
                        qty=deal.qty,
                        price=deal.price,
                        fee=deal.fee or Decimal(0),
                    )
                )
            if len(page) < DEALS_PER_PAGE:
                return deals
            query = evolve(query, after_id=page[DEALS_PER_PAGE - 1].id)


def _trailing(gateway: SimulatedGateway, settings: BacktestSettings) -> ReplayTrailing | None:
    if settings.stop_trailing_pct is None:
        return None
    return ReplayTrailing(
        store=gateway.store,
        clock=gateway.clock,
        percent=settings.stop_trailing_pct,
        tick=settings.instrument.tick,
    )


async def _create_account(
    gateway: SimulatedGateway, settings: BacktestSettings, contract: Instrument
) -> int:
    """Create a paper account with the settings of the run; returns its id."""
    paper = {
        "source": "manual",
        "balances": {contract.settle: decimal_text(settings.initial_balance)},
        "commission": decimal_text(settings.commission),
        "slippage": decimal_text(settings.slippage),
        "fee_currency": "quote",
        "fill": "through",
        "leverage": 1,
        "funding_rate": 0,
    }
    own = {"paper": paper, "protection_mode": "native", "report_currency": contract.settle}
    return await gateway.store.registry.create_account(
        exchange_id=f"paper.{EXCHANGE}",
        label="replay",
        position_mode="netting",
        environment="paper",
        is_testnet=False,
        extra_config=dumps({"oms": own}),
        trader_name=None,
        now=gateway.clock.now(),
        audit=AuditEntry(actor="replay", action="create_account", entity="account", entity_id=""),
    )


def _terms(run: ReplayedRun, contract: Instrument, account_id: int, strategy_id: int) -> BotTerms:
    """Return the bot that trades as the run did."""
    settings = run.settings
    return BotTerms(
        name="replay",
        strategy=run.strategy,
        version=run.version,
        parameters=run.parameters,
        params_hash=hash_parameters(run.parameters),
        account_id=account_id,
        strategy_id=strategy_id,
        exchange=EXCHANGE,
        symbols=(contract.symbol,),
        timeframe=settings.timeframe,
        sizing=Sizing(kind=SizingKind.POSITION_PCT, value=settings.position_pct),
        allow_short=settings.allow_short,
        max_lag_seconds=LAG_SECONDS,
        stop_loss_pct=settings.stop_loss_pct,
        take_profit_pct=settings.take_profit_pct,
    )


def _market_instrument(contract: Instrument) -> MarketInstrument:
    return MarketInstrument(
        id=0,
        exchange=EXCHANGE,
        symbol=contract.symbol,
        base=contract.base,
        quote=contract.quote,
        price_tick=contract.tick,
        qty_step=contract.step,
        min_notional=contract.min_notional,
    )


def _quote(symbol: str, price: Decimal, at: datetime) -> QuoteUpdate:
    return QuoteUpdate(symbol=symbol, bid=price, ask=price, at=at)


def _range(symbol: str, candle: Candle, at: datetime) -> CandleClosed:
    return CandleClosed(
        symbol=symbol,
        open=candle.open,
        high=candle.high,
        low=candle.low,
        close=candle.close,
        volume=candle.volume or Decimal(0),
        at=at,
    )


async def _nothing() -> None:
    """The lease outlasts the replay."""
