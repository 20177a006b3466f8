"""Rows of backtests on every kind of database: ranking, pages, and one result for each run."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from oms.adapters.sql.store import SqlStore
from oms.domain.errors import LeaseLost
from oms.domain.event import Event, Namespace
from oms.domain.value import evolve
from oms.ports.research.backtest_runs import (
    BACKTESTS_TASK,
    BacktestKind,
    BacktestOrder,
    BacktestOutcome,
    BacktestProgress,
    BacktestQuery,
    BacktestStatus,
)

AT = datetime(2026, 3, 1, tzinfo=UTC)
ORDER = BacktestOrder(
    kind=BacktestKind.RUN,
    user_id=7,
    created_by="ann",
    created_at=AT,
    strategy="rsi",
    version="1",
    exchange="binance",
    symbol="BTC/USDT",
    timeframe="1h",
    start=None,
    end=AT,
    params_hash="0" * 64,
    request={"params": {}, "settings": {}},
)
EVENT = Event(name="backtest_done", namespace=Namespace.RESEARCH, facts={"run_id": 1})
TRADE = {
    "number": 1,
    "at": AT,
    "side": "buy",
    "quantity": Decimal("92.23300971"),
    "price": Decimal("103.0515"),
    "value": Decimal("9504.75"),
    "fee": Decimal("0.1234567890123456785"),
    "reason": "signal",
    "round_trip": 1,
}


def _outcome(figures: dict[str, float]) -> BacktestOutcome:
    return BacktestOutcome(result={"bars": 3}, figures=figures, data_hash="1" * 64, trades=[TRADE])


async def test_a_result_is_stored_once_and_only_under_the_lease(store: SqlStore) -> None:
    queue, backtests = store.backtest_queue, store.backtests
    (old,) = await store.task_leases.acquire("one", [BACKTESTS_TASK], 60)
    added = await backtests.add(ORDER)
    claimed = await queue.claim(old, AT)
    assert claimed is not None and (claimed.id, claimed.attempts) == (added.id, 1)
    assert await queue.claim(old, AT) is None
    await queue.record_progress(old, added.id, BacktestProgress(done=2, total=3), AT)
    running = await backtests.find(added.id)
    assert running is not None and (running.done, running.total) == (2, 3)
    await store.task_leases.release_all("one")
    (new,) = await store.task_leases.acquire("two", [BACKTESTS_TASK], 60)
    with pytest.raises(LeaseLost):
        await queue.finish(old, added.id, _outcome({}), EVENT, AT)
    await queue.requeue(new, [each.id for each in await queue.running()])
    again = await queue.claim(new, AT)
    assert again is not None and again.attempts == 2
    for _ in range(2):
        await queue.finish(new, added.id, _outcome({"sharpe_ratio": 0.1}), EVENT, AT)
    found = await backtests.find(added.id)
    assert found is not None and (found.status, found.result) == (BacktestStatus.DONE, {"bars": 3})
    (trade,) = await backtests.trades(added.id, 0, 10)
    assert trade == TRADE | {"fee": Decimal("0.123456789012345678")}
    events = [each.row.event_type for each in await store.history.events({0: 0}, 100)]
    assert events.count("backtest_done") == 1
    assert await backtests.remove(added.id)
    assert await backtests.find(added.id) is None
    assert await backtests.trades(added.id, 0, 10) == []


async def test_pages_are_ranked_with_the_undefined_last(store: SqlStore) -> None:
    queue, backtests = store.backtest_queue, store.backtests
    (lease,) = await store.task_leases.acquire("ranks", [BACKTESTS_TASK], 60)
    numbers = [0.1, -2.5, 0.30000000000000004, None, 0.3]
    ids = {}
    for number in numbers:
        run = await backtests.add(evolve(ORDER, user_id=8))
        await queue.claim(lease, AT)
        figures = {} if number is None else {"sharpe_ratio": number}
        await queue.finish(lease, run.id, _outcome(figures), EVENT, AT)
        ids[run.id] = number
    query, seen = BacktestQuery(user_id=8, figure="sharpe_ratio", limit=2), []
    while True:
        page = await backtests.page(query)
        seen += [ids[run.id] for run in page.items]
        if page.next is None:
            break
        query = evolve(query, after=page.next)
    assert seen == [0.30000000000000004, 0.3, 0.1, -2.5, None]
    canceled = await backtests.add(evolve(ORDER, user_id=8))
    assert await backtests.waiting(8) == 1
    ended = await backtests.cancel(canceled.id, AT)
    assert ended is not None and ended.status is BacktestStatus.CANCELED
    assert await backtests.active() == []
    await store.task_leases.release_all("ranks")
