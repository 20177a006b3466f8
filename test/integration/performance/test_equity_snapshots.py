"""Snapshots of equity: what they hold, when they are taken, and that only the owner takes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from kit.gateway.in_process import now
from kit.gateway.manual_trading import ManualTrading
from kit.polling import poll_until
from oms.domain.errors import Unavailable
from oms.domain.value import evolve
from oms.ports.clock import Clock
from oms.ports.leases import Lease
from oms.ports.performance.account_money import StoredMoney
from oms.ports.performance.equity_snapshots import EquitySnapshot
from oms.services.performance.account_equity import ReadAccountEquity
from oms.services.performance.take_snapshots import TakeSnapshots
from oms.worker.equity_schedule import REST_FACTOR, EquityScheduler

LONG = timedelta(days=7)


@dataclass
class _FixedClock:
    """A clock that a test sets."""

    time: datetime

    def now(self) -> datetime:
        return self.time


async def _latest(trading: ManualTrading, account: int) -> EquitySnapshot | None:
    return (await trading.gateway.store.equity_snapshots.latest([account])).get(account)


async def _snapshot_with(trading: ManualTrading, account: int, **figures: str) -> EquitySnapshot:
    """Return the first snapshot that has these figures."""
    expected = {name: Decimal(text) for name, text in figures.items()}

    async def read() -> EquitySnapshot | None:
        return await _latest(trading, account)

    snapshot = await poll_until(
        read,
        lambda s: s and all(getattr(s, name) == each for name, each in expected.items()),
    )
    assert snapshot is not None
    return snapshot


async def test_snapshots_follow_prices_closes_and_deposits(trading: ManualTrading) -> None:
    account = await trading.add_account()
    await trading.set_price(account, "150")
    await trading.trade(account, "buy", "10")
    await trading.set_price(account, "160")
    held = await _snapshot_with(trading, account, equity="10100")
    assert (held.cash, held.unrealized, held.realized, held.fees) == (8500, 100, 0, 0)

    trading.scheduler.interval = LONG
    await trading.trade(account, "sell", "10")
    closed = await _snapshot_with(trading, account, equity="10100", unrealized="0", realized="100")
    assert closed.cash == 10100, "taken because a position was closed"

    trading.scheduler.interval = timedelta(seconds=1)
    await trading.deposit(account, "USDT", "500")
    await _snapshot_with(trading, account, equity="10600", flows="500")
    await trading.deposit(account, "USDT", "-200")
    last = await _snapshot_with(trading, account, equity="10400", flows="300")
    assert last.realized == 100
    stored = await trading.gateway.store.equity_snapshots.between(account, "USDT", None, None)
    assert [each.ts for each in stored] == sorted({each.ts for each in stored})


async def test_an_account_without_trades_has_no_snapshot(trading: ManualTrading) -> None:
    idle, active = await trading.add_account(), await trading.add_account()
    await trading.set_price(active, "100")
    await trading.set_price(idle, "100")
    await trading.trade(active, "buy", "1")
    first = await _snapshot_with(trading, active, equity="10000")
    await poll_until(
        lambda: _latest(trading, active), lambda snapshot: snapshot and snapshot.ts > first.ts
    )
    assert await _latest(trading, idle) is None


async def test_the_boundary_of_a_day_has_a_snapshot(trading: ManualTrading) -> None:
    account = await trading.add_account()
    await trading.set_price(account, "100")
    await trading.trade(account, "buy", "1")
    first = await _snapshot_with(trading, account, equity="10000")
    midnight = first.ts.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    trading.scheduler.interval = LONG
    clock = _FixedClock(midnight + timedelta(seconds=2))
    take = trading.scheduler.take
    take.value_accounts = replace(take.value_accounts, clock=clock)
    trading.scheduler.clock = clock
    snapshot = await poll_until(
        lambda: _latest(trading, account), lambda each: each and each.ts > first.ts
    )
    assert snapshot is not None and snapshot.ts == midnight


async def test_a_deposit_after_the_boundary_is_not_before_it(trading: ManualTrading) -> None:
    account = await trading.add_account()
    await trading.set_price(account, "100")
    await trading.trade(account, "buy", "1")
    await _snapshot_with(trading, account, equity="10000")
    trading.scheduler.interval = LONG
    boundary = now()
    await trading.deposit(account, "USDT", "500")
    lease = trading.gateway.worker.keeper.held[account]
    await trading.scheduler.take([lease], boundary=boundary)
    snapshot = await _snapshot_with(trading, account, equity="10500", flows="500")
    assert snapshot.ts > boundary, "the day begins without the deposit"


async def test_a_change_before_a_restart_has_a_snapshot(trading: ManualTrading) -> None:
    account = await trading.add_account()
    await trading.set_price(account, "100")
    await trading.deposit(account, "USDT", "1")
    await _snapshot_with(trading, account, flows="1")
    trading.scheduler.interval = LONG
    await trading.deposit(account, "USDT", "500")
    assert (await _latest(trading, account)).flows == 1  # type: ignore[union-attr]
    restarted = _restarted(trading, trading.scheduler.clock)
    await restarted()
    restarted.interval = timedelta(0)
    await restarted()
    await _snapshot_with(trading, account, equity="10501", flows="501")


async def test_a_boundary_is_tried_again_after_a_failure(trading: ManualTrading) -> None:
    account = await trading.add_account()
    await trading.set_price(account, "100")
    await trading.trade(account, "buy", "1")
    first = await _snapshot_with(trading, account, equity="10000")
    trading.scheduler.interval = LONG
    clock = _FixedClock(first.ts)
    scheduler = _restarted(trading, clock)
    await scheduler()
    midnight = first.ts.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    clock.time = midnight + timedelta(seconds=1)
    ledger, scheduler.ledger = scheduler.ledger, _UnavailableLedger()  # type: ignore[assignment]
    with pytest.raises(Unavailable):
        await scheduler()
    scheduler.ledger = ledger
    await scheduler()
    last = await _latest(trading, account)
    assert last is not None and last.ts == midnight


async def test_accounts_rest_after_a_read_that_failed(trading: ManualTrading) -> None:
    account = await trading.add_account()
    await trading.set_price(account, "100")
    await trading.trade(account, "buy", "1")
    first = await _snapshot_with(trading, account, equity="10000")
    trading.scheduler.interval = LONG
    clock, money = _FixedClock(first.ts + LONG), _SlowMoney()
    scheduler = _restarted(trading, clock)
    scheduler.interval, scheduler.monotonic = timedelta(0), lambda: money.seconds
    scheduler.take.value_accounts = replace(scheduler.take.value_accounts, money=money)
    with pytest.raises(Unavailable):
        await scheduler()
    await scheduler()
    assert money.reads == 1, "the account rests"
    money.seconds += REST_FACTOR * money.seconds
    with pytest.raises(Unavailable):
        await scheduler()
    clock.time += timedelta(days=1)
    with pytest.raises(Unavailable):
        await scheduler()
    await scheduler()
    assert money.reads == 3, "a boundary that is long past is tried once"


class _SlowMoney:
    """A read that takes as long as a read may take."""

    def __init__(self) -> None:
        self.reads, self.seconds = 0, 0.0

    async def __call__(self, account_ids: Sequence[int]) -> Mapping[int, StoredMoney]:
        self.reads += 1
        self.seconds += 12
        raise Unavailable("the database needs too long")


class _UnavailableLedger:
    """A database that does not answer."""

    async def accounts_with_positions(self, account_ids: Sequence[int]) -> Sequence[int]:
        raise Unavailable("the database does not answer")


def _restarted(trading: ManualTrading, clock: Clock) -> EquityScheduler:
    """Return the schedule of a worker that has just started."""
    before = trading.scheduler
    value_accounts = replace(before.take.value_accounts, clock=clock)
    return EquityScheduler(
        processor=before.processor,
        take=TakeSnapshots(value_accounts=value_accounts, snapshots=before.take.snapshots),
        ledger=before.ledger,
        history=before.history,
        clock=clock,
        interval=LONG,
    )


async def test_a_deposit_keeps_the_rate_of_its_time(trading: ManualTrading) -> None:
    account = await trading.add_account()
    await trading.set_price(account, "100")
    await trading.deposit(account, "ETH", "3")
    await _snapshot_with(trading, account, equity="10300", flows="300")
    await trading.set_price(account, "110")
    await trading.deposit(account, "ETH", "1")
    last = await _snapshot_with(trading, account, equity="10440")
    assert last.flows == 410, "the gain of the first deposit is no deposit"


async def test_snapshots_in_another_currency_are_not_used(trading: ManualTrading) -> None:
    take, store = trading.scheduler.take, trading.gateway.store
    trading.gateway.worker.equity_scheduler = None  # All snapshots are taken here.
    coins = {"BTC": "10"}
    account = await trading.add_account(balances=coins)
    path = f"/analytics/equity?account_ids={account}"
    read = ReadAccountEquity(
        value_accounts=take.value_accounts,
        snapshots=store.equity_snapshots,
        history=store.history,
    )

    async def points(currency: str) -> list[tuple[str, str]]:
        (curve,) = (await trading.get(account, path))["items"]
        assert curve["currency"] == currency
        return [(point["equity"], point["flows"]) for point in curve["points"]]

    async def points_taken(currency: str, count: int) -> list[tuple[str, str]]:
        """Take a snapshot; a change of settings revokes the lease, and another one follows."""

        async def take_with_lease() -> list[tuple[str, str]]:
            await take([await trading.lease(account)])
            return await points(currency)

        return await poll_until(take_with_lease, lambda found: len(found) == count)

    await trading.store_snapshot(account, now() - timedelta(days=1), "9000", "100")
    await take.read_latest([account])
    await trading.set_price(account, "1000", "BTC/USDT")
    await trading.set_price(account, "500", "BTC/USDC")
    await trading.deposit(account, "BTC", "0.5")
    assert await points_taken("USDT", 2) == [("9000", "100"), ("10500", "600")]

    await trading.set_report_currency(account, "USDC", balances=coins)
    today = await read(account, now())
    assert (today.currency, today.equity, today.day_result) == ("USDC", 5250, 0)
    assert await points("USDC") == []
    assert await points_taken("USDC", 1) == [("5250", "250")]

    await trading.set_report_currency(account, "USDT", balances=coins)
    await trading.deposit(account, "BTC", "-0.2")
    await trading.set_price(account, "2000", "BTC/USDT")
    before = [("9000", "100"), ("10500", "600")]
    now_taken = await points_taken("USDT", 3)
    assert now_taken == [*before, ("20600", "200")], "earlier deposits keep their rates"


async def test_only_the_owner_stores_a_snapshot(trading: ManualTrading) -> None:
    account = await trading.add_account()
    await trading.set_price(account, "100")
    await trading.trade(account, "buy", "1")
    taken = await _snapshot_with(trading, account, equity="10000")
    snapshots = trading.gateway.store.equity_snapshots
    later = evolve(taken, ts=taken.ts + LONG)
    foreign = Lease(account_id=account, token=987_654)
    assert not await snapshots.add([(foreign, later)])
    assert await snapshots.latest_in(account, "USDT", taken.ts - LONG) is None
    found = (await snapshots.latest([account]))[account]
    assert found.ts < later.ts


async def test_history_is_thinned(trading: ManualTrading) -> None:
    account = await trading.add_account()
    now = datetime(2026, 6, 15, 12, 30, tzinfo=UTC)
    times = [
        *(now - timedelta(days=400, minutes=each) for each in (0, 5, 90)),
        *(now - timedelta(days=100, minutes=each) for each in (0, 5, 90)),
        *(now - timedelta(days=10, minutes=each) for each in (0, 5, 90)),
    ]
    for ts in times:
        await trading.store_snapshot(account, ts, "1")
    snapshots = trading.gateway.store.equity_snapshots
    for _ in range(30):
        await snapshots.thin(now, 100)
    left = [each.ts for each in await snapshots.between(account, "USDT", None, None)]
    assert left == sorted([times[0], times[3], times[5], *times[6:]])
