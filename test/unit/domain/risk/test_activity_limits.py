"""Limits on the rate of orders, on slippage of market orders and on leverage."""

from datetime import timedelta
from decimal import Decimal

import pytest

from kit.builders import NOON, a_limit, an_instrument
from oms.domain.account import PositionMode
from oms.domain.errors import Refused
from oms.domain.orders.order import Side
from oms.domain.risk.exposure import Entry, Exposure
from oms.domain.risk.limit_context import AccountEquity, LimitContext, Market, RepeatedOrder
from oms.domain.risk.limits import check_limits
from oms.domain.risk.policy import PolicyScope, account_policy
from oms.domain.risk.recent import ClosedResult, Recent
from oms.domain.value import evolve

BTC = "BTC/USDT:USDT"
ENTRY = Entry(symbol=BTC, side=Side.BUY, order_type="market", qty=Decimal(2), strategy_id=4)


def _judge(
    limits: dict[str, str],
    entry: Entry = ENTRY,
    scope: PolicyScope = PolicyScope.ACCOUNT,
    equity: str = "100",
    **context: object,
) -> Refused | None:
    scope_id = 4 if scope is PolicyScope.STRATEGY else 3
    policy = account_policy(
        [a_limit(key, Decimal(each), scope, scope_id) for key, each in limits.items()], 3
    )
    assert policy is not None
    before = LimitContext(
        exposure=Exposure(mode=PositionMode.NETTING, positions=(), reserved=()),
        instruments={BTC: an_instrument()},
        markets={BTC: Market(bid=Decimal(99), ask=Decimal(101), at="noon")},
        rates={"USDT": Decimal(1)},
        equity=AccountEquity(currency="USDT", equity=Decimal(equity)),
    )
    return check_limits(policy, entry, evolve(before, **context))


def _orders(count: int, strategy_id: int = 4) -> Recent:
    return Recent(now=NOON, orders={strategy_id: count})


def _results(*profits: int, age: int = 10) -> Recent:
    """Return closed positions, newest first."""
    results = (
        ClosedResult(
            id=number,
            strategy_id=4,
            closed_at=NOON - timedelta(seconds=age + number),
            profit=Decimal(profit),
        )
        for number, profit in enumerate(profits)
    )
    return Recent(now=NOON, results=tuple(results))


@pytest.mark.parametrize(
    ("count", "passes"),
    [(2, True), (3, False)],
)
def test_orders_of_a_minute_are_limited(count: int, passes: bool) -> None:
    refused = _judge({"max_orders_per_minute": "3"}, recent=_orders(count))
    assert (refused is None) is passes
    if refused is not None:
        assert (refused.reason, refused.value) == ("max_orders_per_minute", 4)


def test_entries_on_their_way_count_as_orders_and_changes_do_not() -> None:
    limits, recent = {"max_orders_per_minute": "2"}, _orders(1)
    assert _judge(limits, recent=recent) is None
    assert _judge(limits, recent=recent, pending=(ENTRY,)) is not None
    changed = evolve(ENTRY, order_id=9)
    assert _judge(limits, changed, recent=_orders(3)) is None


def test_a_strategy_counts_its_own_orders() -> None:
    limits, scope = {"max_orders_per_minute": "1"}, PolicyScope.STRATEGY
    assert _judge(limits, scope=scope, recent=_orders(1, strategy_id=5)) is None
    assert _judge(limits, scope=scope, recent=_orders(1)) is not None


@pytest.mark.parametrize(
    ("scope", "key", "limit", "value"),
    [
        (PolicyScope.ACCOUNT, "max_signals_per_day", 5, None),
        (PolicyScope.ACCOUNT, "max_signals_per_day", 4, 5),
        (PolicyScope.ACCOUNT, "max_signals_per_symbol_per_day", 2, 3),
        (PolicyScope.STRATEGY, "max_signals_per_day", 2, 3),
        (PolicyScope.STRATEGY, "max_signals_per_symbol_per_day", 1, 2),
        (PolicyScope.STRATEGY, "max_signals_per_symbol_per_day", 2, None),
    ],
)
def test_entries_of_signals_are_limited_by_the_day(
    scope: PolicyScope, key: str, limit: int, value: int | None
) -> None:
    """Done are one signal of the entry's strategy and symbol, one of each alone, one of neither."""
    others = [(4, BTC), (4, "ETH"), (5, BTC), (5, "ETH")]
    recent = Recent(now=NOON, signals=dict.fromkeys(others, 1))
    refused = _judge({key: str(limit)}, evolve(ENTRY, signal_id=9), scope, recent=recent)
    assert (None if refused is None else refused.value) == value
    assert _judge({key: "1"}, scope=scope, recent=recent) is None, "it is of no signal"
    unknown = _judge({key: "9"}, evolve(ENTRY, signal_id=9), scope, recent=Recent(now=NOON))
    assert unknown is not None and unknown.reason == "risk_error"


@pytest.mark.parametrize(
    ("recent", "losses", "passes"),
    [
        (_results(-1), None, False),
        (_results(0), None, True),
        (_results(1, -1), None, True),
        (_results(-1, age=60), None, True),
        (_results(-1, age=59), None, False),
        (_results(-1, -2), "3", True),
        (_results(-1, -2, -3), "3", False),
        (_results(-1, 2, -3), "3", True),
        (_results(), None, True),
    ],
)
def test_nothing_is_opened_for_a_while_after_losses(
    recent: Recent, losses: str | None, passes: bool
) -> None:
    limits = {"cooldown_seconds_after_losses": "60"}
    limits |= {} if losses is None else {"losses_in_a_row": losses}
    refused = _judge(limits, recent=recent)
    assert (refused is None) is passes
    assert refused is None or refused.reason == "cooldown_seconds_after_losses"


def test_what_an_account_did_lately_is_needed() -> None:
    for key in ("max_orders_per_minute", "cooldown_seconds_after_losses"):
        refused = _judge({key: "5"})
        assert refused is not None and refused.reason == "risk_error"


@pytest.mark.parametrize(
    ("side", "depth", "limit", "value"),
    [
        ("buy", None, "100", None),
        ("buy", None, "99.9", "100"),
        ("sell", None, "99.9", "100"),
        ("buy", "2", "100", None),
        ("buy", "1", "100", "200"),
    ],
)
def test_slippage_of_market_orders_is_limited(
    side: str, depth: str | None, limit: str, value: str | None
) -> None:
    """One unit costs 101, the next 103: 102 on average, 2 above the middle of 100."""
    asks = ((Decimal(101), None if depth is None else Decimal(depth)), (Decimal(103), None))
    market = Market(bid=Decimal(99), ask=Decimal(101), at="noon", asks=asks)
    entry = evolve(ENTRY, side=Side(side))
    refused = _judge({"max_slippage_bps": limit}, entry, markets={BTC: market})
    assert (None if refused is None else refused.value) == (value and Decimal(value))
    resting = evolve(entry, order_type="limit", price=Decimal(500))
    assert _judge({"max_slippage_bps": "1"}, resting, markets={}) is None
    unknown = _judge({"max_slippage_bps": "1"}, entry, markets={})
    assert unknown is not None and unknown.reason == "risk_no_price"


@pytest.mark.parametrize(
    ("equity", "value"), [("101", None), ("100", "2.02"), ("0", "none"), ("-5", "none")]
)
def test_leverage_is_limited(equity: str, value: str | None) -> None:
    """Two units at 101 against the equity."""
    refused = _judge({"max_leverage": "2"}, equity=equity)
    if value is None:
        assert refused is None
        return
    assert refused is not None and refused.reason == "max_leverage"
    assert refused.value == (None if value == "none" else Decimal(value))


@pytest.mark.parametrize(("age", "passes"), [(None, True), (0, False), (9, False), (10, True)])
def test_a_repeat_is_refused_until_the_window_ends(age: int | None, passes: bool) -> None:
    repeated = None if age is None else RepeatedOrder(id=7, age=timedelta(seconds=age))
    refused = _judge({"duplicate_order_window_seconds": "10"}, repeated=repeated)
    assert (refused is None) is passes
    if refused is not None:
        assert (refused.reason, refused.value) == ("duplicate_order", Decimal(age or 0))
        assert "order 7 with the same terms" in refused.message
