"""Limits that are counted against the equity of the account and what its day has earned."""

from decimal import Decimal

import pytest

from kit.builders import a_limit, an_instrument
from oms.domain.account import PositionMode
from oms.domain.orders.order import Side
from oms.domain.risk.exposure import Entry, Exposure
from oms.domain.risk.limit_context import AccountEquity, LimitContext, Market
from oms.domain.risk.limits import check_limits
from oms.domain.risk.policy import AccountPolicy, account_policy
from oms.domain.risk.policy_keys import KEYS

BTC = "BTC/USDT:USDT"
ENTRY = Entry(symbol=BTC, side=Side.BUY, order_type="market", qty=Decimal(1))


def _policy(key: str, setting: str) -> AccountPolicy:
    policy = account_policy([a_limit(key, Decimal(setting))], 3)
    assert policy is not None
    return policy


def _context(equity: AccountEquity, rate: str = "1") -> LimitContext:
    return LimitContext(
        exposure=Exposure(mode=PositionMode.NETTING, positions=(), reserved=()),
        instruments={BTC: an_instrument()},
        markets={BTC: Market(bid=Decimal(100), ask=Decimal(100), at="noon")},
        rates={"USDT": Decimal(1), "EUR": Decimal(rate)},
        equity=equity,
    )


def _equity(equity: str, result: str = "0", start: str = "1000") -> AccountEquity:
    return AccountEquity(
        currency="EUR",
        equity=Decimal(equity),
        day_result=Decimal(result),
        at_day_start=Decimal(start),
    )


@pytest.mark.parametrize(
    ("key", "limit", "equity", "rate", "value"),
    [
        ("max_capital_per_position_pct", "10", _equity("1000"), "1", None),
        ("max_capital_per_position_pct", "10", _equity("999"), "1", "10.010010010010010010"),
        ("max_capital_per_position_pct", "10", _equity("999"), "1.1", None),
        ("max_capital_per_position_pct", "10", _equity("-5"), "1", "none"),
        ("daily_loss_limit", "50", _equity("1000", "-49.99"), "1", None),
        ("daily_loss_limit", "50", _equity("1000", "-50"), "1", "50"),
        ("daily_loss_limit", "50", _equity("1000", "50"), "1", None),
        ("daily_loss_limit", "50", _equity("1000", "-49.99"), "2", "99.98"),
        ("daily_loss_limit_pct", "5", _equity("1000", "-49.99"), "1", None),
        ("daily_loss_limit_pct", "5", _equity("1000", "-50"), "1", "5"),
        ("daily_loss_limit_pct", "5", _equity("1000", "50", "0"), "1", None),
        ("daily_loss_limit_pct", "5", _equity("1000", "-1", "0"), "1", "none"),
    ],
)
def test_a_limit_of_equity_passes_or_refuses(
    key: str, limit: str, equity: AccountEquity, rate: str, value: str | None
) -> None:
    refused = check_limits(_policy(key, limit), ENTRY, _context(equity, rate))
    if value is None:
        assert refused is None
        return
    assert refused is not None and refused.reason == KEYS[key].reason
    assert refused.value == (None if value == "none" else Decimal(value))
    assert refused.limit == Decimal(limit)


@pytest.mark.parametrize("key", [key for key in KEYS if KEYS[key].needs_equity])
@pytest.mark.parametrize("equity", [AccountEquity(currency="USDT"), _equity("1")])
def test_an_unknown_equity_or_rate_refuses(key: str, equity: AccountEquity) -> None:
    policy, context = _policy(key, "1000000"), _context(equity)
    unknown = LimitContext(
        exposure=context.exposure,
        instruments=context.instruments,
        markets=context.markets,
        rates={"USDT": Decimal(1)},
        equity=equity,
    )
    refused = check_limits(policy, ENTRY, unknown)
    assert refused is not None and refused.reason == "risk_error"
    assert policy.ruling(ENTRY.strategy_id).needs_equity


def test_no_equity_is_read_for_other_limits() -> None:
    assert not _policy("max_order_notional", "1").ruling(ENTRY.strategy_id).needs_equity
