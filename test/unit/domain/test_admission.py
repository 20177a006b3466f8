"""Admission: refusals with code, limit and value, and content of approved orders."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from kit.builders import NOON, a_spot_instrument, an_instrument, an_order
from oms.domain.account import Account, Environment, PositionMode
from oms.domain.commands.command import ChangeOrder, ClosePosition, SendOrder
from oms.domain.errors import Refused
from oms.domain.ledger.position import Position
from oms.domain.orders.order import OrderState, Side
from oms.domain.risk.admission import (
    ApprovedOrder,
    RiskContext,
    admit_change,
    admit_close,
    admit_send,
)

BUY = SendOrder(symbol="BTC/USDT:USDT", side=Side.BUY, order_type="market", qty=Decimal("0.01"))


@pytest.mark.parametrize(
    ("changes", "code", "limit"),
    [
        ({"order_type": "iceberg"}, "order_type_not_supported", None),
        ({"time_in_force": "DAY"}, "order_type_not_supported", None),
        ({"qty": Decimal("0.0005")}, "qty_below_minimum", Decimal("0.001")),
        ({"qty": Decimal("0.0105")}, "precision_mismatch", Decimal("0.001")),
        ({"order_type": "limit", "price": Decimal("9.05")}, "precision_mismatch", Decimal("0.1")),
        ({"order_type": "limit", "price": Decimal("99")}, "notional_below_minimum", Decimal(100)),
        ({"strategy_id": 9}, "invalid_strategy_id", None),
        ({"position_id": 77}, "invalid_position_id", None),
        ({"reduce_only": True}, "invalid_close_volume", Decimal(0)),
    ],
)
def test_a_send_is_refused(changes: dict[str, Any], code: str, limit: Decimal | None) -> None:
    refused = admit_send(replace(BUY, **changes), _context())
    assert isinstance(refused, Refused)
    assert (refused.code, refused.limit) == (code, limit)
    if limit is not None:
        assert refused.value is not None and refused.set_by


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        ({"status": "blocked"}, "account_blocked"),
        ({"allow_new_positions": False}, "new_positions_disabled"),
        ({"environment": Environment.LIVE}, "live_disabled"),
        ({"environment": Environment.TESTNET, "has_own_hosts": True}, "live_disabled"),
        ({"environment": Environment.DEMO, "has_own_hosts": True}, "live_disabled"),
    ],
)
def test_a_blocked_account_only_reduces(account: dict[str, Any], reason: str) -> None:
    refused = admit_send(BUY, _context(account=_account(**account)))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.reason, refused.set_by) == ("risk_blocked", reason, "account")
    context = _context(account=_account(**account), positions=[_position(-1)])
    assert isinstance(admit_send(replace(BUY, reduce_only=True), context), ApprovedOrder)


@pytest.mark.parametrize("account", [{"status": "blocked"}, {"allow_new_positions": False}])
def test_a_flip_of_a_blocked_account_is_cut_to_what_reduces(account: dict[str, Any]) -> None:
    flip = replace(BUY, qty=Decimal(3))
    context = _context(account=_account(**account), positions=[_position(-1)])
    approved = admit_send(flip, context)
    assert isinstance(approved, ApprovedOrder)
    assert (approved.qty, approved.reduce_only) == (Decimal(1), True)
    hedge = _account(**account, position_mode=PositionMode.HEDGE)
    refused = admit_send(flip, _context(account=hedge, positions=[_position(-1)]))
    assert isinstance(refused, Refused) and refused.code == "risk_blocked"


def test_a_live_account_opens_with_both_switches_on() -> None:
    live = _account(environment=Environment.LIVE, live_enabled=True)
    assert isinstance(admit_send(BUY, _context(account=live)), ApprovedOrder)


@pytest.mark.parametrize("environment", [Environment.PAPER, Environment.LOOPBACK])
def test_hosts_of_this_machine_need_no_live_switch(environment: Environment) -> None:
    account = _account(environment=environment, has_own_hosts=True)
    assert isinstance(admit_send(BUY, _context(account=account)), ApprovedOrder)


def test_reduce_only_is_limited_to_the_unreserved_open_quantity() -> None:
    resting = an_order(id=5, side=Side.BUY, qty=Decimal("0.4"), reduce_only=True, position_id=7)
    context = _context(positions=[_position(-1, id=7)], orders=[resting])
    approved = admit_send(replace(BUY, qty=Decimal(3), reduce_only=True), context)
    assert isinstance(approved, ApprovedOrder)
    assert approved.qty == Decimal("0.6")


def _spot_sale(qty: str, **changes: Any) -> ApprovedOrder | Refused:
    """A sale in a hedge account with two long tickets of 1, of strategies 0 and 5."""
    context = _context(
        mode=PositionMode.HEDGE,
        instrument=a_spot_instrument(),
        positions=(_position(1, id=7), _position(1, id=8, strategy_id=5)),
        orders=changes.pop("orders", ()),
    )
    sale = replace(BUY, symbol="BTC/USDT", side=Side.SELL, qty=Decimal(qty), **changes)
    return admit_send(sale, context)


def test_in_hedge_mode_a_spot_sale_closes_tickets_or_is_refused() -> None:
    approved = _spot_sale("1")
    assert isinstance(approved, ApprovedOrder)
    assert (approved.qty, approved.reduce_only, approved.position_id) == (1, True, 0)
    resting = an_order(id=3, side=Side.SELL, qty=Decimal("0.4"), order_type="limit")
    for refused, limit in (
        (_spot_sale("1.5"), Decimal(1)),
        (_spot_sale("1", orders=(resting,)), Decimal("0.6")),
        (_spot_sale("1", new_position=True), Decimal(0)),
    ):
        assert isinstance(refused, Refused)
        assert (refused.code, refused.reason) == ("invalid_close_volume", "spot_has_no_short")
        assert refused.limit == limit


def test_in_hedge_mode_an_opposite_ticket_is_closed_but_not_exceeded() -> None:
    context = _context(mode=PositionMode.HEDGE, positions=[_position(-1, id=7)])
    approved = admit_send(replace(BUY, qty=Decimal(1), position_id=7), context)
    assert isinstance(approved, ApprovedOrder)
    assert approved.reduce_only
    refused = admit_send(replace(BUY, qty=Decimal(3), position_id=7), context)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.limit, refused.value) == ("invalid_close_volume", 1, 3)


def test_a_close_takes_the_whole_position_on_the_step() -> None:
    spot = a_spot_instrument()
    position = _position("0.0009999", id=7, symbol=spot.symbol, strategy_id=2)
    approved = admit_close(ClosePosition(position_id=7), position, _context(instrument=spot))
    assert isinstance(approved, ApprovedOrder)
    assert (approved.side, approved.qty, approved.strategy_id) == (Side.SELL, Decimal("0.00099"), 2)
    assert approved.reduce_only


def test_a_second_close_waits_for_the_first() -> None:
    resting = an_order(id=5, side=Side.SELL, reduce_only=True, position_id=7)
    refused = admit_close(
        ClosePosition(position_id=7), _position(1, id=7), _context(orders=[resting])
    )
    assert isinstance(refused, Refused)
    assert refused.code == "position_close_in_progress"


def test_a_close_may_not_take_more_than_is_held() -> None:
    request = ClosePosition(position_id=7, qty=Decimal(2))
    refused = admit_close(request, _position(1, id=7), _context())
    assert isinstance(refused, Refused)
    assert refused.code == "invalid_close_volume"


def test_strategies_do_not_close_each_other_in_strategy_netting() -> None:
    context = _context(mode=PositionMode.STRATEGY_NETTING)
    request = ClosePosition(position_id=7, strategy_id=1)
    refused = admit_close(request, _position(1, id=7, strategy_id=2), context)
    assert isinstance(refused, Refused)
    assert refused.code == "invalid_strategy_id"


STOP = {"order_type": "stop_market", "trigger_price": Decimal(90)}
TRAILING = {"order_type": "trailing_stop", "trailing_amount": Decimal(3)}


@pytest.mark.parametrize(
    ("order", "changes", "code", "reason"),
    [
        (
            {"state": OrderState.FILLED},
            {"new_qty": Decimal(2)},
            "invalid_order_state",
            "order_not_open",
        ),
        (
            {"pending_change": "cancel"},
            {"new_qty": Decimal(2)},
            "invalid_order_state",
            "change_pending",
        ),
        (
            {"state": OrderState.UNKNOWN},
            {"new_qty": Decimal(2)},
            "invalid_order_state",
            "order_in_doubt",
        ),
        (
            {"filled_qty": Decimal(2), "qty": Decimal(3)},
            {"new_qty": Decimal(1)},
            "invalid_order_state",
            "too_late",
        ),
        ({}, {"new_price": Decimal(5)}, "validation_error", None),
        ({}, {"new_trigger_price": Decimal(5)}, "validation_error", None),
        (STOP, {"new_trigger_price": Decimal("0.005")}, "precision_mismatch", "price"),
        (
            STOP | {"triggered_at": NOON},
            {"new_trigger_price": Decimal(5)},
            "invalid_order_state",
            "too_late",
        ),
        (STOP, {"new_trailing_amount": Decimal(5)}, "validation_error", None),
        (
            TRAILING,
            {"new_trailing_amount": Decimal(5), "new_trailing_percent": Decimal(5)},
            "validation_error",
            None,
        ),
        (TRAILING, {"new_trailing_percent": Decimal(100)}, "validation_error", None),
        (STOP, {"new_time_in_force": "PO"}, "order_type_not_supported", None),
        (STOP, {"new_time_in_force": "GTD"}, "validation_error", None),
        (STOP, {"new_time_in_force": "GTC", "new_expires_at": NOON}, "validation_error", None),
        ({}, {"new_time_in_force": "IOC"}, "validation_error", None),
        ({}, {"new_qty": Decimal("1.0001")}, "precision_mismatch", "qty"),
    ],
)
def test_a_change_is_refused(
    order: dict[str, Any], changes: dict[str, Any], code: str, reason: str | None
) -> None:
    refused = admit_change(ChangeOrder(order_id=1, **changes), an_order(**order), _context())
    assert refused is not None
    assert (refused.code, refused.reason) == (code, reason)


@pytest.mark.parametrize("name", ["symbol", "side", "order_type"])
def test_a_change_for_another_order_is_refused(name: str) -> None:
    order = an_order(order_type="stop_limit", price=Decimal(100), trigger_price=Decimal(100))
    own = {"symbol": order.symbol, "side": order.side, "order_type": "stop_limit"}
    other = {"symbol": "X/Y", "side": Side.SELL, "order_type": "limit"}
    price = Decimal(101)
    assert admit_change(ChangeOrder(order_id=1, new_price=price, **own), order, _context()) is None
    terms = own | {name: other[name]}
    refused = admit_change(ChangeOrder(order_id=1, new_price=price, **terms), order, _context())
    assert refused is not None
    assert (refused.code, refused.reason) == ("validation_error", name)


@pytest.mark.parametrize(
    ("order", "changes"),
    [
        (STOP, {"new_trigger_price": Decimal(91)}),
        (TRAILING, {"new_trailing_percent": Decimal(2)}),
        (STOP, {"new_time_in_force": "IOC"}),
        ({"order_type": "limit", "price": Decimal(9)}, {"new_expires_at": NOON}),
        ({"time_in_force": "GTD", "expires_at": NOON}, {"new_time_in_force": "GTD"}),
    ],
)
def test_new_terms_that_fit_are_admitted(order: dict[str, Any], changes: dict[str, Any]) -> None:
    request = ChangeOrder(order_id=1, **changes)
    assert admit_change(request, an_order(**order), _context()) is None


def test_a_change_that_fits_is_admitted() -> None:
    order = an_order(order_type="limit", price=Decimal(100), filled_qty=Decimal("0.5"))
    request = ChangeOrder(order_id=1, new_price=Decimal(101), new_qty=Decimal("0.5"))
    assert admit_change(request, order, _context()) is None


def _account(**changes: Any) -> Account:
    values: dict[str, Any] = {
        "id": 1,
        "exchange_id": "paper.binance",
        "label": "a",
        "position_mode": PositionMode.NETTING,
        "environment": Environment.PAPER,
    }
    return Account(**(values | changes))


def _context(**changes: Any) -> RiskContext:
    mode = changes.pop("mode", PositionMode.NETTING)
    values: dict[str, Any] = {
        "account": _account(position_mode=mode),
        "instrument": an_instrument(),
        "positions": (),
        "orders": (),
        "strategy_ids": frozenset({1, 2}),
        "price": Decimal(50_000),
    }
    return RiskContext(**(values | changes))


def _position(qty: int | str, **changes: Any) -> Position:
    values: dict[str, Any] = {
        "id": 7,
        "account_id": 1,
        "symbol": "BTC/USDT:USDT",
        "strategy_id": 0,
        "side": Side.BUY if Decimal(qty) > 0 else Side.SELL,
        "qty": Decimal(qty),
        "identifier": 7,
        "opened_at": NOON,
        "updated_at": NOON,
    }
    return Position(**(values | changes))
