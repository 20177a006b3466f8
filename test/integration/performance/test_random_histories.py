"""Property: at each point of a random history, equity is cash and marks to the last digit, and the
snapshot has the same figures. It is also what was there at the beginning, what was deposited, and
what the ledger's deals earned, up to the rounding of each result to 18 places.

Balances are those of the paper exchange, which keeps its own books, in every position mode and kind
of market. ``OMS_TEST_RANDOM=1`` draws other histories.
"""

import os
import random
from decimal import Decimal
from typing import NamedTuple

from kit.gateway.manual_trading import ManualTrading
from oms.domain.money import add
from oms.domain.value import evolve
from oms.services.performance.value_accounts import ValuedAccount


class _Kind(NamedTuple):
    mode: str
    symbol: str
    #: Report currency and initial balance.
    currency: str
    initial: str
    #: Unit of quantities, and bounds of prices.
    unit: str
    prices: tuple[int, int]


KINDS = (
    _Kind("netting", "ETH/USDT", "USDT", "100000", "0.1", (1500, 2500)),
    _Kind("hedge", "ETH/USDT", "USDT", "100000", "0.1", (1500, 2500)),
    _Kind("netting", "ETH/USDT:USDT", "USDT", "100000", "0.1", (1500, 2500)),
    _Kind("hedge", "ETH/USDT:USDT", "USDT", "100000", "0.1", (1500, 2500)),
    _Kind("strategy_netting", "BTC/USDT:USDT", "USDT", "100000", "0.01", (40000, 60000)),
    _Kind("netting", "BTC/USD:BTC", "BTC", "10", "100", (40000, 60000)),
    _Kind("hedge", "BTC/USD:BTC", "BTC", "10", "100", (40000, 60000)),
)
STEPS = 12
EXECUTED_MIN = 4
#: Results without a finite decimal form are rounded once per deal in each of the books.
ROUNDING = 2 * STEPS * Decimal("1e-18")


async def test_equity_is_cash_and_marks(trading: ManualTrading) -> None:
    drawn = random.SystemRandom().randrange(10**9) if os.environ.get("OMS_TEST_RANDOM") else 0
    for number, kind in enumerate(KINDS):
        seed = drawn + number
        await _check_history(
            trading, kind, random.Random(seed), f"{kind.mode} {kind.symbol} {seed}"
        )


async def _check_history(
    trading: ManualTrading, kind: _Kind, draw: random.Random, what: str
) -> None:
    account = await trading.add_account(
        kind.mode,
        report_currency=kind.currency,
        balances={kind.currency: kind.initial},
        taker=draw.choice(("0", "0.0007")),
    )
    put_in, executed = Decimal(kind.initial), 0
    for _ in range(STEPS):
        await trading.set_price(account, str(draw.randrange(*kind.prices)), kind.symbol)
        if draw.random() < 0.15:
            amount = Decimal(draw.randrange(1, 500)) / 1000
            await trading.deposit(account, kind.currency, str(amount))
            put_in = add(put_in, amount)
        else:
            executed += await _trade(trading, account, kind, draw)
        valued = (await trading.scheduler.take.value_accounts([account]))[account]
        _check_value(valued, put_in, what)
    assert executed >= EXECUTED_MIN, what
    await _check_snapshot(trading, account, valued, what)


async def _trade(trading: ManualTrading, account: int, kind: _Kind, draw: random.Random) -> bool:
    """Send a market order; a sale of coins that are not there is refused."""
    terms = {
        "symbol": kind.symbol,
        "side": draw.choice(("buy", "buy", "sell")),
        "order_type": "market",
        "qty": str(Decimal(kind.unit) * draw.randrange(1, 9)),
    }
    body = {"account_id": account, "command": "send_order", "payload": terms}
    path = "/oms/commands?wait_ms=10000"
    answer = await trading.gateway.client("POST", path, body, key=trading.keys[account])
    assert answer.status in (200, 409, 422, 502), answer.body
    return answer.status == 200


def _check_value(valued: ValuedAccount, put_in: Decimal, what: str) -> None:
    figures = valued.value
    assert figures.equity is not None and figures.cash is not None, what
    assert figures.total_pnl is not None, what
    marks = valued.marks.values()
    is_spot = ":" not in "".join(position.symbol for position in valued.stored.positions)
    worth = sum((mark.value if is_spot else mark.profit for mark in marks), Decimal(0))
    assert figures.equity == add(figures.cash, worth), what
    difference = figures.equity - add(put_in, figures.total_pnl)
    assert abs(difference) <= ROUNDING, f"{what}: {difference}"


async def _check_snapshot(
    trading: ManualTrading, account: int, valued: ValuedAccount, what: str
) -> None:
    scheduler, snapshots = trading.scheduler, trading.gateway.store.equity_snapshots
    lease = trading.gateway.worker.keeper.held[account]
    await scheduler.take([lease])
    stored = (await snapshots.latest([account]))[account]
    figures = valued.value
    names = ("cash", "equity", "unrealized", "realized", "fees")
    expected = {name: getattr(figures, name) for name in names}
    assert stored == evolve(stored, **expected), what
