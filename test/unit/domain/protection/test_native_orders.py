"""Which levels rest at the exchange, and when an order there stands for its level."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.builders import NOON, an_order
from kit.databases.store_rows import a_position
from oms.domain.account import Account, Environment, PositionMode
from oms.domain.ledger.position import Position, PositionState
from oms.domain.orders.order import OrderState
from oms.domain.protection.levels import (
    NO_LEVELS,
    Levels,
    NativeOrder,
    NativeState,
    StopKind,
    rearmed,
)
from oms.domain.protection.native_orders import (
    Protection,
    native_levels,
    protection_of,
    state_of_open,
    surplus_orders,
)
from oms.domain.protection.stop_settings import PriceMode, ProtectionMode, StopSettings
from oms.domain.side import Side
from oms.domain.value import evolve

LOSS, GAIN = StopKind.LOSS, StopKind.GAIN
PLACING, RESTING = NativeState.PLACING, NativeState.RESTING
OUTDATED, FAILED = NativeState.OUTDATED, NativeState.FAILED
ONE = Decimal(1)


def _account(**changes: Any) -> Account:
    defaults: dict[str, Any] = {
        "id": 1,
        "exchange_id": "ccxt.bybit",
        "label": "",
        "position_mode": PositionMode.NETTING,
        "environment": Environment.LIVE,
    }
    return Account(**defaults | changes)


def _position(levels: Levels | None = None, **prices: str | None) -> Position:
    values = {"stop_loss": "95", "stop_gain": "110"} | prices
    return evolve(
        a_position(1, 1),
        side=Side.BUY,
        qty=ONE,
        avg_price=Decimal(100),
        state=PositionState.OPEN,
        opened_at=NOON,
        levels=levels,
        **{name: None if price is None else Decimal(price) for name, price in values.items()},
    )


def _record(state: NativeState = RESTING, **changes: Any) -> NativeOrder:
    record = NativeOrder(kind=LOSS, command_id=4, level=Decimal(95), qty=ONE, order_id=9)
    return evolve(record, state=state, **changes)


@pytest.mark.parametrize(
    ("changes", "rests"),
    [
        ({}, True),
        ({"exchange_id": "paper.bybit"}, False),
        (
            {
                "exchange_id": "paper.bybit",
                "stops": StopSettings(protection=ProtectionMode.NATIVE),
            },
            True,
        ),
        ({"stops": StopSettings(protection=ProtectionMode.EMULATED)}, False),
        ({"stops": StopSettings(price_mode=PriceMode.LAST)}, True),
        ({"stops": StopSettings(price_mode=PriceMode.MARK)}, False),
        ({"stops": StopSettings(price_mode=PriceMode.MID)}, False),
        ({"stops": StopSettings(min_age=timedelta(seconds=5))}, True),
        ({"stops": StopSettings(min_age=timedelta(seconds=6))}, False),
        ({"position_mode": PositionMode.HEDGE}, False),
        ({"position_mode": PositionMode.STRATEGY_NETTING}, False),
    ],
)
def test_accounts_whose_levels_rest_at_the_exchange(changes: dict[str, Any], rests: bool) -> None:
    found = native_levels(_account(**changes), _position(), NOON + timedelta(seconds=5))
    assert found == ({LOSS: Decimal(95), GAIN: Decimal(110)} if rests else {})


@pytest.mark.parametrize(
    "levels",
    [
        Levels(stop_trailing_pct=ONE),
        Levels(stop_trailing_amount=ONE),
        Levels(max_hold_seconds=60),
    ],
)
def test_levels_that_only_the_gateway_watches(levels: Levels) -> None:
    assert native_levels(_account(), _position(levels), NOON) == {}


@pytest.mark.parametrize(
    ("order", "record", "expected"),
    [
        ({}, {}, RESTING),
        ({"state": OrderState.PENDING_SUBMIT}, {}, PLACING),
        ({"state": OrderState.UNKNOWN}, {}, PLACING),
        ({"pending_change": "cancel"}, {}, PLACING),
        ({"qty": Decimal(2)}, {}, OUTDATED),
        ({}, {"level": Decimal(94)}, OUTDATED),
        ({}, {"trigger": Decimal(95)}, RESTING),
        ({"trigger_price": Decimal(90)}, {"trigger": Decimal(95)}, OUTDATED),
        (
            {"state": OrderState.PARTIALLY_FILLED, "qty": Decimal(3), "filled_qty": Decimal(2)},
            {"qty": Decimal(3)},
            RESTING,
        ),
    ],
)
def test_an_open_order_stands_for_its_level_only_while_it_rests_as_requested(
    order: dict[str, Any], record: dict[str, Any], expected: NativeState
) -> None:
    values = {"state": OrderState.SUBMITTED, "qty": ONE, "trigger_price": Decimal(95)}
    found = state_of_open(_record(**record), an_order(**values | order), Decimal(95), ONE)
    assert found is expected


@pytest.mark.parametrize(
    ("state", "order_id", "kept"),
    [
        (PLACING, 9, [8, 9]),
        (PLACING, None, [9]),
        (OUTDATED, 9, [9]),
        (OUTDATED, 6, [9]),
        (RESTING, 9, [9]),
        (FAILED, 9, []),
    ],
)
def test_the_order_before_goes_once_the_new_one_rests(
    state: NativeState, order_id: int | None, kept: list[int]
) -> None:
    orders = [an_order(id=each, order_type="stop_market") for each in (9, 7, 8)]
    levels = evolve(NO_LEVELS, native=(_record(state, order_id=order_id),))
    surplus = surplus_orders(orders, levels, {LOSS})
    assert sorted(each.id for each in orders if each not in surplus) == kept
    assert surplus_orders(orders, levels, set()) == orders, "the level is gone"


def test_protection_is_native_only_if_every_level_rests() -> None:
    resting = _record()
    gain = _record(kind=GAIN, level=Decimal(110))
    assert protection_of(_position(stop_loss=None, stop_gain=None)) is Protection.NONE
    assert protection_of(_position()) is Protection.EMULATED
    one = _position(Levels(native=(resting,)))
    assert protection_of(one) is Protection.EMULATED
    assert protection_of(evolve(one, stop_gain=None)) is Protection.NATIVE
    both = _position(Levels(native=(resting, gain)))
    assert protection_of(both) is Protection.NATIVE
    changed = evolve(both, stop_loss=Decimal(96))
    assert protection_of(changed) is Protection.EMULATED, "the order rests at the level before"
    failed = _position(Levels(native=(resting, evolve(gain, state=FAILED))))
    assert protection_of(failed) is Protection.EMULATED


def test_changed_levels_are_tried_at_the_exchange_again() -> None:
    levels = Levels(native=(_record(FAILED), _record(kind=GAIN)), arming=3)
    after = rearmed(levels)
    assert (after.native, after.arming) == ((_record(kind=GAIN),), 4)


@pytest.mark.parametrize(
    ("best", "percent", "state", "protection"),
    [
        ("101", "2", RESTING, Protection.NATIVE),
        ("100", "2", RESTING, Protection.EMULATED),  # The order has not seen a better price yet.
        ("101", "3", RESTING, Protection.EMULATED),  # It was placed for another distance.
        ("101", "2", PLACING, Protection.EMULATED),
        ("101", "2", FAILED, Protection.EMULATED),
    ],
)
def test_a_trailing_stop_at_the_exchange_counts_from_the_next_better_price_on(
    best: str, percent: str, state: NativeState, protection: Protection
) -> None:
    record = NativeOrder(
        kind=StopKind.TRAILING,
        command_id=4,
        level=Decimal(2),
        qty=ONE,
        state=state,
        best=Decimal(100),
    )
    levels = Levels(
        stop_trailing_pct=Decimal(percent), stop_trailing_best=Decimal(best), native=(record,)
    )
    position = _position(levels, stop_loss=None, stop_gain=None)
    assert protection_of(position) is protection


def test_an_active_trailing_stop_rests_where_the_exchange_takes_it() -> None:
    levels = Levels(stop_trailing_pct=Decimal(2), stop_trailing_best=Decimal(100))
    position = _position(levels, stop_gain=None)
    assert native_levels(_account(), position, NOON) == {}
    held = native_levels(_account(), position, NOON, holds_trailing=True)
    assert held == {LOSS: Decimal(95), StopKind.TRAILING: Decimal(2)}
    waiting = evolve(position, levels=Levels(stop_trailing_pct=Decimal(2)))
    assert native_levels(_account(), waiting, NOON, holds_trailing=True) == {LOSS: Decimal(95)}
