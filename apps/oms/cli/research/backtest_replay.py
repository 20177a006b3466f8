"""``oms backtest replay``: a run once more through a gateway of its own, compared deal by deal."""

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from oms import bootstrap
from oms.bootstrap.backtest_replay import ReplayedRun, replay_backtest
from oms.bootstrap.strategies import strategy_processes
from oms.cli.install import run_async
from oms.cli.output import CommandFailed
from oms.cli.research.backtest_input import (
    failure,
    read_parameters,
    read_request,
)
from oms.cli.research.candle_input import candle_input
from oms.cli.research.execute_backtest import execute, own_settings
from oms.cli.settings import command_settings
from oms.domain.errors import Invalid, NotFound, OmsError
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.domain.money import decimal_text
from oms.domain.side import Side
from oms.domain.value import evolve
from oms.ports.market.candle_store import CandleSeries
from oms.ports.research.backtest_runs import BacktestKind, BacktestStatus, StoredBacktest
from oms.services.backtests.compare_deals import ComparedDeal, DealDifference, first_difference
from oms.services.backtests.execute_run import stored_settings
from oms.services.backtests.load_funding import with_funding
from oms.services.candles.store_candles import require_instrument
from oms.strategies.catalog import built_in_strategy
from oms.wire.json import time_text
from oms.wire.strategies.messages import decode_parameters

DIFFERS = 7
_TRADES_MAX = 1_000_000


def replay(parsed: argparse.Namespace) -> Any:
    """Replay a stored run, or one that the flags describe; exit status 7 if deals differ."""
    try:
        if parsed.run_id is not None:
            executed, run, candles = run_async(_stored(parsed))
        else:
            executed, run, candles = _local(parsed)
        processes = None
        if built_in_strategy(run.strategy) is None:
            processes = strategy_processes(own_settings(parsed))
        deals = asyncio.run(replay_backtest(run, candles, processes))
    except OmsError as error:
        raise failure(error) from None
    difference = first_difference(executed, deals)
    if difference is not None:
        raise CommandFailed(_difference_text(difference), status=DIFFERS)
    return {
        "ok": True,
        "strategy": run.strategy,
        "candles": len(candles),
        "deals": len(deals),
        "difference": None,
    }


def _local(
    parsed: argparse.Namespace,
) -> tuple[Sequence[ComparedDeal], ReplayedRun, Sequence[Candle]]:
    """Execute the run of the flags."""
    if parsed.strategy is None or parsed.timeframe is None:
        raise CommandFailed("a RUN_ID, or --strategy and --timeframe are expected", status=2)
    if parsed.csv is None and parsed.exchange is None:
        raise CommandFailed("a RUN_ID, --csv or --exchange is expected", status=2)
    load, instrument = candle_input(parsed)
    request = read_request(parsed, read_parameters(parsed.param), instrument)
    candles = list(load())
    done = execute(parsed, request, candles, None)
    executed = [
        ComparedDeal(at=each.at, side=each.side, qty=each.qty, price=each.price, fee=each.fee)
        for each in done.executions
    ]
    run = ReplayedRun(
        strategy=done.strategy,
        version=done.version,
        parameters=done.parameters,
        settings=done.settings,
    )
    return executed, run, candles


async def _stored(
    parsed: argparse.Namespace,
) -> tuple[Sequence[ComparedDeal], ReplayedRun, Sequence[Candle]]:
    """Read a run of the database with the candles that it was executed on."""
    async with bootstrap.open_store(command_settings(parsed)) as store:
        await bootstrap.require_schema(store)
        stored = await store.backtests.find(parsed.run_id)
        if stored is None:
            raise NotFound(f"there is no backtest {parsed.run_id}")
        run = _replayed(stored)
        rows: Sequence[Mapping[str, Any]] = await store.backtests.trades(
            parsed.run_id, 0, _TRADES_MAX
        )
        order = stored.order
        instrument = await require_instrument(store.instruments, order.exchange, order.symbol)
        series = CandleSeries(instrument_id=instrument.id, timeframe=Timeframe(order.timeframe))
        chosen = await with_funding(store.funding_rates, instrument, run.settings)
        run = evolve(run, settings=chosen)
        end = chosen.end
        candles = [row.candle async for row in store.candles.closed(series, end=end)]
    executed = [
        ComparedDeal(
            at=row["at"],
            side=Side(row["side"]),
            qty=row["quantity"],
            price=row["price"],
            fee=row["fee"],
        )
        for row in rows
    ]
    return executed, run, candles


def _replayed(stored: StoredBacktest) -> ReplayedRun:
    """Return what is replayed of a stored run. Raises ``Invalid`` without a result."""
    order = stored.order
    if stored.status is not BacktestStatus.DONE or order.kind is not BacktestKind.RUN:
        message = f"backtest {stored.id} is a {order.kind.value} and {stored.status.value}"
        raise Invalid(f"{message}: only runs that are done are replayed", reason="no_result")
    request: Mapping[str, Any] = order.request
    return ReplayedRun(
        strategy=order.strategy,
        version=order.version,
        parameters=decode_parameters(request["params"]),
        settings=stored_settings(stored),
    )


def _difference_text(difference: DealDifference) -> str:
    run, replayed = _deal_text(difference.run), _deal_text(difference.replay)
    return f"deal {difference.number} differs: the run has {run}, the replay {replayed}"


def _deal_text(deal: ComparedDeal | None) -> str:
    if deal is None:
        return "none"
    qty, price, fee = (decimal_text(each) for each in (deal.qty, deal.price, deal.fee))
    return f"{deal.side.value} {qty} at {price}, fee {fee}, {time_text(deal.at)}"
