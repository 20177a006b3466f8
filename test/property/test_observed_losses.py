"""Property: verdicts on losses that are kept are those that would be given again.

Equity, rates, limits, days and resets change at random; after each step an entry is judged with the
verdicts that were kept, and without any.
"""

import random
from datetime import datetime, timedelta
from decimal import Decimal

from kit.builders import NOON
from oms.domain.orders.order import Side
from oms.domain.risk.exposure import NO_EXPOSURE, Entry
from oms.domain.risk.limit_context import (
    AccountEquity,
    HighWater,
    LimitContext,
    RiskState,
    Trip,
)
from oms.domain.risk.limits import check_limits
from oms.domain.risk.loss_limits import ObservedLosses, judge_losses
from oms.domain.risk.policy import AccountPolicy, Limit, PolicyScope
from oms.domain.risk.policy_keys import LOSS_KEYS
from oms.domain.value import evolve

STEPS = 2000
ENTRY = Entry(symbol="BTC/USDT", side=Side.BUY, order_type="market", qty=Decimal(1))


def _policy(draw: random.Random) -> AccountPolicy:
    keys = draw.sample(sorted(LOSS_KEYS), draw.randrange(1, 4))
    limits = {
        key: Limit(
            key=key,
            setting=Decimal(draw.randrange(1, 40)),
            scope=draw.choice((PolicyScope.GLOBAL, PolicyScope.ACCOUNT)),
            scope_id=0,
            set_by="risk",
            set_at=NOON,
        )
        for key in keys
    }
    return AccountPolicy(account=limits)


def _equity(draw: random.Random, day: datetime) -> AccountEquity:
    if draw.random() < 0.1:
        return AccountEquity(currency="USDT", day_start=day)
    result, start = Decimal(draw.randrange(-40, 20)), Decimal(100)
    return AccountEquity(
        currency=draw.choice(("USDT", "EUR")),
        equity=start + result,
        day_result=result,
        at_day_start=start,
        profit=result,
        day_start=day,
    )


def _risk(draw: random.Random, now: datetime) -> RiskState:
    mark = HighWater(currency="USDT", peak=Decimal(draw.randrange(50)), as_of=now)
    trips = tuple(
        Trip(
            key=key,
            scope="account",
            tripped_at=now,
            limit=Decimal(draw.randrange(1, 40)),
            actual=Decimal(50),
        )
        for key in draw.sample(sorted(LOSS_KEYS), draw.randrange(3))
    )
    return RiskState(trips=trips, high_water=draw.choice((None, mark)))


def test_kept_verdicts_are_those_given_again() -> None:
    draw, now, day = random.Random(72), NOON, NOON.replace(hour=0)
    policy, equity, risk = _policy(draw), _equity(draw, day), _risk(draw, now)
    rates = {"USDT": Decimal(1), "EUR": Decimal("1.1")}
    observed: ObservedLosses | None = None
    kept, refusals = 0, 0
    for _ in range(STEPS):
        now += timedelta(hours=draw.randrange(3))
        match draw.randrange(12):
            case 0:
                policy = _policy(draw)
            case 1:
                equity = _equity(draw, now.replace(hour=0))
            case 2:
                risk = _risk(draw, now)
            case 3:
                rates = {**rates, "EUR": Decimal(draw.randrange(8, 14)) / 10}
        context = LimitContext(
            exposure=NO_EXPOSURE, instruments={}, rates=rates, equity=equity, risk=risk
        )
        if observed is None or not observed.hold_for(policy, equity, rates, risk):
            observed = judge_losses(policy, context)
        else:
            kept += 1
        again = check_limits(policy, ENTRY, context)
        assert check_limits(policy, ENTRY, evolve(context, losses=observed.verdicts)) == again
        refusals += again is not None
    assert STEPS / 2 < kept < STEPS and STEPS / 10 < refusals < STEPS
