"""The checks of a risk policy as tables: what passes, what is refused, by which numbers."""

from decimal import Decimal
from typing import Any

import pytest

from kit.builders import NOON, a_limit, a_spot_instrument, an_instrument, an_order
from oms.domain.account import PositionMode
from oms.domain.instrument import InstrumentKind
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order, Side
from oms.domain.risk.exposure import Entry, Exposure, reservations
from oms.domain.risk.limit_context import LimitContext, Market
from oms.domain.risk.limits import check_limits, needs_price, symbols_to_mark
from oms.domain.risk.policy import AccountPolicy, PolicyScope, account_policy
from oms.domain.risk.policy_keys import PolicyValue

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
NETTING, BY_STRATEGY, HEDGE = (
    PositionMode.NETTING,
    PositionMode.STRATEGY_NETTING,
    PositionMode.HEDGE,
)
LIMIT_BUY = {"order_type": "limit", "price": Decimal(100)}


def _entry(**changes: Any) -> Entry:
    values = {"symbol": BTC, "side": Side.BUY, "order_type": "market", "qty": Decimal(1)}
    return Entry(**(values | changes))


def _position(qty: int, **changes: Any) -> Position:
    values: dict[str, Any] = {
        "id": 7,
        "account_id": 3,
        "symbol": BTC,
        "strategy_id": 0,
        "side": Side.BUY if qty > 0 else Side.SELL,
        "qty": Decimal(qty),
        "identifier": 7,
        "opened_at": NOON,
        "updated_at": NOON,
    }
    return Position(**(values | changes))


def _resting(**changes: Any) -> Order:
    return an_order(**({"id": 11, "account_id": 3, **LIMIT_BUY} | changes))


def _policy(*limits: tuple[str, PolicyValue]) -> AccountPolicy:
    policy = account_policy([a_limit(key, setting) for key, setting in limits], 3)
    assert policy is not None
    return policy


def _context(**changes: Any) -> LimitContext:
    exposure = Exposure(
        mode=changes.pop("mode", NETTING),
        positions=changes.pop("positions", ()),
        reserved=reservations(changes.pop("orders", ()), except_id=changes.pop("except_id", 0)),
    )
    values: dict[str, Any] = {
        "exposure": exposure,
        "instruments": {BTC: an_instrument(), ETH: an_instrument(symbol=ETH, base="ETH")},
        "markets": {
            BTC: Market(bid=Decimal(99), ask=Decimal(101), at="noon"),
            ETH: Market(bid=Decimal(9), ask=Decimal(11), at="noon"),
        },
        "rates": {"USDT": Decimal(1)},
    }
    return LimitContext(**(values | changes))


@pytest.mark.parametrize(
    ("key", "limit", "entry", "context", "value"),
    [
        ("allowed_symbols", frozenset({ETH}), {}, {}, "no number"),
        ("allowed_symbols", frozenset({BTC}), {}, {}, None),
        # The collar is measured from the middle, 100.
        ("price_collar_pct", "10", LIMIT_BUY | {"price": Decimal(110)}, {}, None),
        ("price_collar_pct", "10", LIMIT_BUY | {"price": Decimal("110.1")}, {}, "10.1"),
        ("price_collar_pct", "10", LIMIT_BUY | {"price": Decimal(1)}, {}, None),
        (
            "price_collar_pct",
            "10",
            {"order_type": "limit", "side": Side.SELL, "price": Decimal("89.9")},
            {},
            "10.1",
        ),
        ("price_collar_pct", "1", {}, {}, None),
        ("price_collar_pct", "0.9", {}, {}, "1"),
        (
            "price_collar_pct",
            "5",
            {"order_type": "stop_limit", "price": Decimal(210), "trigger_price": Decimal(200)},
            {},
            None,
        ),
        (
            "price_collar_pct",
            "5",
            {"order_type": "stop_limit", "price": Decimal(212), "trigger_price": Decimal(200)},
            {},
            "6",
        ),
        ("max_open_positions", "1", {}, {}, None),
        ("max_open_positions", "1", {}, {"positions": [_position(1, symbol=ETH)]}, "2"),
        ("max_open_positions", "1", {}, {"orders": [_resting(symbol=ETH)]}, "2"),
        ("max_open_positions", "1", {}, {"positions": [_position(1)]}, None),
        ("max_open_positions", "1", {}, {"orders": [_resting()]}, None),
        (
            "max_open_positions",
            "1",
            {},
            {"positions": [_position(1, strategy_id=2)], "mode": BY_STRATEGY},
            "2",
        ),
        ("max_open_positions", "1", {}, {"positions": [_position(1)], "mode": HEDGE}, None),
        (
            "max_open_positions",
            "1",
            {"new_position": True},
            {"positions": [_position(1)], "mode": HEDGE},
            "2",
        ),
        ("max_open_positions", "1", {}, {"positions": [_position(-1)], "mode": HEDGE}, "2"),
        (
            "max_open_positions",
            "1",
            {"position_id": 7},
            {"positions": [_position(1, strategy_id=2)], "mode": HEDGE},
            None,
        ),
        ("max_open_positions", "1", {}, {"orders": [_resting()], "mode": HEDGE}, None),
        (
            "max_open_positions",
            "2",
            {"new_position": True},
            {"orders": [_resting(new_position=True)], "mode": HEDGE},
            None,
        ),
        (
            "max_open_positions",
            "2",
            {"new_position": True},
            {
                "orders": [_resting(id=1, new_position=True), _resting(id=2, new_position=True)],
                "mode": HEDGE,
            },
            "3",
        ),
        (
            "max_open_positions_per_symbol",
            "1",
            {},
            {"positions": [_position(1, symbol=ETH)], "mode": HEDGE},
            None,
        ),
        (
            "max_open_positions_per_symbol",
            "1",
            {"new_position": True},
            {"positions": [_position(1)], "mode": HEDGE},
            "2",
        ),
        ("max_open_orders_per_symbol", "1", LIMIT_BUY, {"orders": [_resting()]}, "2"),
        ("max_open_orders_per_symbol", "1", LIMIT_BUY, {"orders": [_resting(symbol=ETH)]}, None),
        (
            "max_open_orders_per_symbol",
            "1",
            LIMIT_BUY,
            {"orders": [_resting(reduce_only=True)]},
            None,
        ),
        (
            "max_open_orders_per_symbol",
            "1",
            LIMIT_BUY | {"time_in_force": "IOC"},
            {"orders": [_resting()]},
            None,
        ),
        (
            "max_open_orders_per_symbol",
            "1",
            LIMIT_BUY,
            {"orders": [_resting(order_type="market")]},
            None,
        ),
        ("max_open_orders_per_symbol", "1", {}, {"orders": [_resting()]}, None),
        (
            "max_open_orders_per_symbol",
            "1",
            LIMIT_BUY,
            {"orders": [_resting()], "except_id": 11},
            None,
        ),
        ("max_order_qty.crypto", "1", {}, {}, None),
        ("max_order_qty.crypto", "0.999", {}, {}, "1"),
        ("max_order_qty.crypto", "0.999", {"symbol": "AAPL"}, {}, None),
        ("max_order_qty.stock", "0.999", {}, {}, None),
        ("max_order_qty.stock", "0.999", {"symbol": "AAPL"}, {}, "1"),
        ("max_order_qty.stock", "1", {"symbol": "AAPL"}, {}, None),
        ("min_order_notional", "101", {}, {}, None),
        ("min_order_notional", "101.01", {}, {}, "101"),
        ("max_order_notional", "101", {}, {}, None),
        ("max_order_notional", "100.99", {}, {}, "101"),
        ("max_order_notional", "98.99", {"side": Side.SELL}, {}, "99"),
        ("max_order_notional", "1", {"order_type": "limit", "price": Decimal(2)}, {}, "2"),
        (
            "max_order_notional",
            "119",
            {"order_type": "stop_market", "trigger_price": Decimal(120)},
            {},
            "120",
        ),
        ("max_position_notional", "202", {}, {"positions": [_position(1)]}, None),
        ("max_position_notional", "201", {}, {"positions": [_position(1)]}, "202"),
        (
            "max_position_notional",
            "302",
            {},
            {"positions": [_position(1)], "orders": [_resting()]},
            "303",
        ),
        ("max_position_notional", "202", {}, {"orders": [_resting(side=Side.SELL)]}, None),
        (
            "max_position_notional",
            "302",
            {"qty": Decimal(3)},
            {"positions": [_position(-2)]},
            "303",
        ),
        (
            "max_position_notional",
            "101",
            {"new_position": True},
            {"positions": [_position(1)], "mode": HEDGE},
            None,
        ),
        (
            "max_position_notional",
            "101",
            {"position_id": 7},
            {"positions": [_position(1)], "mode": HEDGE},
            "202",
        ),
        # A sale of 3 beyond a long of 10: the judged entry is what opens, so the short is 3.
        (
            "max_position_notional",
            "296",
            {"side": Side.SELL, "qty": Decimal(3)},
            {"positions": [_position(10)]},
            "297",
        ),
        (
            "max_position_notional",
            "395",
            {"side": Side.SELL, "qty": Decimal(3)},
            {"positions": [_position(1)], "orders": [_resting(side=Side.SELL, qty=Decimal(2))]},
            "396",
        ),
        (
            "max_total_exposure",
            "1979",
            {"side": Side.SELL, "qty": Decimal(20)},
            {"positions": [_position(10)]},
            "1980",
        ),
        ("max_total_exposure", "121", {}, {"positions": [_position(2, symbol=ETH)]}, None),
        ("max_total_exposure", "120", {}, {"positions": [_position(-2, symbol=ETH)]}, "121"),
        ("max_total_exposure", "110", {}, {"orders": [_resting(symbol=ETH)]}, "111"),
        (
            "max_total_exposure",
            "302",
            {},
            {"positions": [_position(1), _position(-1, id=8)], "mode": HEDGE},
            "303",
        ),
    ],
)
def test_a_limit_passes_or_refuses(
    key: str,
    limit: PolicyValue | str,
    entry: dict[str, Any],
    context: dict[str, Any],
    value: str | None,
) -> None:
    setting = Decimal(limit) if isinstance(limit, str) else limit
    refused = check_limits(_policy((key, setting)), _entry(**entry), _context(**dict(context)))
    if value is None:
        assert refused is None
        return
    assert refused is not None and refused.code == "risk_blocked"
    assert refused.facts is not None and refused.facts["key"] == key
    if value != "no number":
        assert (refused.limit, refused.value) == (setting, Decimal(value))
        assert value in refused.message and str(limit) in refused.message


@pytest.mark.parametrize(
    ("key", "entry", "context"),
    [
        ("max_order_notional", {}, {"markets": {}}),
        ("price_collar_pct", LIMIT_BUY, {"markets": {}}),
        ("max_order_notional", {}, {"rates": {}}),
        ("max_total_exposure", {}, {"positions": [_position(1, symbol=ETH)], "markets": {}}),
        (
            "max_total_exposure",
            {},
            {"positions": [_position(1, symbol=ETH)], "instruments": {BTC: an_instrument()}},
        ),
    ],
)
def test_an_unknown_price_refuses(key: str, entry: dict[str, Any], context: dict[str, Any]) -> None:
    refused = check_limits(
        _policy((key, Decimal(10**9))), _entry(**entry), _context(**dict(context))
    )
    assert refused is not None
    assert (refused.code, refused.reason) == ("risk_blocked", "risk_no_price")
    assert key in refused.message


def test_a_limit_order_needs_no_market_price_for_its_notional() -> None:
    policy, entry = _policy(("max_order_notional", Decimal(100))), _entry(**LIMIT_BUY)
    ruling = policy.ruling(0)
    assert not needs_price(ruling, entry)
    assert check_limits(policy, entry, _context(markets={})) is None
    assert needs_price(ruling, _entry())
    assert needs_price(ruling, _entry(side=Side.SELL, **LIMIT_BUY))
    assert check_limits(policy, _entry(side=Side.SELL, **LIMIT_BUY), _context(markets={})) is None
    assert needs_price(_policy(("price_collar_pct", Decimal(1))).ruling(0), entry)
    assert not needs_price(_policy(("max_open_positions", Decimal(1))).ruling(0), _entry())


def test_other_symbols_are_marked_for_the_total_only() -> None:
    exposure = _context(positions=[_position(1, symbol=ETH), _position(1)]).exposure
    total = _policy(("max_total_exposure", Decimal(1))).ruling(0)
    assert symbols_to_mark(total, _entry(), exposure) == [ETH]
    order_only = _policy(("max_order_notional", Decimal(1))).ruling(0)
    assert symbols_to_mark(order_only, _entry(), exposure) == ()


def test_the_first_failing_check_is_the_reason() -> None:
    policy = _policy(
        ("max_total_exposure", Decimal(1)),
        ("max_order_notional", Decimal(1)),
        ("max_open_positions_per_symbol", Decimal(1)),
        ("allowed_symbols", frozenset({BTC})),
    )
    refused = check_limits(policy, _entry(), _context())
    assert refused is not None and refused.reason == "max_order_notional"


def test_a_limit_of_a_strategy_measures_its_own_part() -> None:
    limit = a_limit("max_open_positions", Decimal(1), PolicyScope.STRATEGY, 4)
    policy = account_policy([limit], 3)
    assert policy is not None
    context = _context(
        mode=BY_STRATEGY, positions=[_position(1, symbol=ETH), _position(1, id=8, strategy_id=5)]
    )
    assert check_limits(policy, _entry(strategy_id=4), context) is None
    assert check_limits(policy, _entry(strategy_id=5), context) is None
    own = _context(mode=BY_STRATEGY, positions=[_position(1, symbol=ETH, strategy_id=4)])
    refused = check_limits(policy, _entry(strategy_id=4), own)
    assert refused is not None
    assert (refused.set_by, refused.value) == ("strategy", Decimal(2))
    assert refused.facts is not None and refused.facts["scope_id"] == "4"


def test_notionals_are_counted_in_the_currency_of_the_account() -> None:
    ethbtc = a_spot_instrument(symbol="ETH/BTC", base="ETH", quote="BTC", settle="BTC")
    context = _context(
        instruments={"ETH/BTC": ethbtc},
        markets={"ETH/BTC": Market(bid=Decimal("0.05"), ask=Decimal("0.05"), at="noon")},
        rates={"BTC": Decimal(60000)},
    )
    policy = _policy(("max_order_notional", Decimal(2999)))
    refused = check_limits(policy, _entry(symbol="ETH/BTC"), context)
    assert refused is not None and refused.value == Decimal(3000)


def test_an_inverse_contract_counts_its_contracts() -> None:
    inverse = an_instrument(kind=InstrumentKind.INVERSE, quote="USD", contract_size=Decimal(100))
    context = _context(instruments={BTC: inverse}, rates={"USD": Decimal(1)})
    refused = check_limits(
        _policy(("max_order_notional", Decimal(299))), _entry(qty=Decimal(3)), context
    )
    assert refused is not None and refused.value == Decimal(300)


def test_the_remaining_quantity_of_a_working_order_is_reserved() -> None:
    order = _resting(qty=Decimal(10), filled_qty=Decimal(4))
    context = _context(orders=[order], positions=[_position(4)])
    policy = _policy(("max_position_notional", Decimal(1)))
    refused = check_limits(policy, _entry(), context)
    assert refused is not None and refused.value == Decimal(1111)
