"""Trading stops of positions: conditional orders of the venue without a client id.

Those for the whole position follow its size; all are canceled with the position.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from loopback.bybit.errors import ApiError, from_engine, invalid_request
from loopback.bybit.order_request import parse_trigger_by
from loopback.bybit.params import LEGS, parse_number
from loopback.exchange.account import Account
from loopback.exchange.caller import Caller
from loopback.exchange.rows import ExitKind, OrderOrigin, OrderRow
from oms.domain.instrument import Instrument
from oms.domain.orders.order import Side
from oms.simulation.inputs import CancelOrder, ChangeOrder, NewOrder
from oms.simulation.state.paper_account import PaperPosition
from oms.simulation.state.paper_order import OrderTerms

#: The parameters of price, quantity, limit price and trigger of each kind.
_PARAMETERS = {
    ExitKind.TAKE_PROFIT: ("takeProfit", "tpSize", "tpLimitPrice", "tpTriggerBy"),
    ExitKind.STOP_LOSS: ("stopLoss", "slSize", "slLimitPrice", "slTriggerBy"),
    ExitKind.TRAILING: ("trailingStop", "", "", ""),
}


def set_trading_stops(caller: Caller, instrument: Instrument, params: Mapping[str, Any]) -> None:
    """Sets, replaces (whole position) or removes ("0") the given stops. Raises ``ApiError``."""
    index = str(params.get("positionIdx") or 0)
    leg = LEGS.get(int(index)) if index.isdigit() else None
    position = caller.account.state.positions.get((instrument.symbol, leg)) if leg else None
    if position is None:
        raise invalid_request("can not set tp/sl/ts for zero position")
    given = [kind for kind, names in _PARAMETERS.items() if params.get(names[0]) not in (None, "")]
    if not given:
        raise invalid_request("params error: nothing to set")
    for kind in given:
        if params.get("tpslMode") != "Partial":
            _remove(caller, position, kind)
        if parse_number(params, _PARAMETERS[kind][0]) is not None:
            _place(caller, instrument, position, kind, params)


def resize_trading_stops(account: Account) -> None:
    """Adjusts stops to the size of their positions; cancels those of closed positions."""
    for row in account.open_orders():
        if row.origin is not OrderOrigin.TRADING_STOP:
            continue
        position = account.state.positions.get((row.order.symbol, row.order.leg))
        closes = position is not None and (position.qty > 0) is (row.order.side is Side.SELL)
        if position is None or not closes:
            account.apply(_cancel_request(row, account))
        elif row.params.get("tpslMode") == "Full" and row.order.qty != position.qty.copy_abs():
            account.apply(
                ChangeOrder(
                    client_id="",
                    exchange_order_id=row.order.exchange_order_id,
                    symbol=row.order.symbol,
                    qty=position.qty.copy_abs(),
                    at=account.state.clock,
                )
            )


def _remove(caller: Caller, position: PaperPosition, kind: ExitKind) -> None:
    for row in caller.account.open_orders():
        position_key = (position.symbol, position.leg)
        if row.exit is kind and (row.order.symbol, row.order.leg) == position_key:
            caller.account.apply(_cancel_request(row, caller.account))


def _place(
    caller: Caller,
    instrument: Instrument,
    position: PaperPosition,
    kind: ExitKind,
    params: Mapping[str, Any],
) -> None:
    name, size_name, limit_name, by_name = _PARAMETERS[kind]
    level = parse_number(params, name)
    limit = parse_number(params, limit_name) if limit_name else None
    size = parse_number(params, size_name) if size_name else None
    if level is None or any(each is not None and each % instrument.tick for each in (level, limit)):
        raise invalid_request(f"{name} invalid")
    side = Side.SELL if position.qty > 0 else Side.BUY
    whole = position.qty.copy_abs()
    request = NewOrder(
        client_id="",
        symbol=instrument.symbol,
        side=side,
        order_type=_order_type(kind, limit),
        qty=min(size or whole, whole),
        price=limit,
        reduce_only=True,
        leg=position.leg,
        terms=OrderTerms(
            trigger_price=None if kind is ExitKind.TRAILING else level,
            trailing_amount=level if kind is ExitKind.TRAILING else None,
            trigger_by=parse_trigger_by(params.get(by_name)),
        ),
        at=caller.venue.now(),
    )
    stop_params = {
        "tpslMode": "Full" if size is None else "Partial",
        "triggerBy": params.get(by_name),
    }
    rejected = caller.account.apply(
        request, params=stop_params, origin=OrderOrigin.TRADING_STOP, exit=kind
    )
    if rejected is not None and "reached" in rejected.message:
        raise ApiError(10001, f"{name} is on the wrong side of the market")
    if rejected is not None:
        raise from_engine(rejected, "linear")


def _order_type(kind: ExitKind, limit: Decimal | None) -> str:
    if kind is ExitKind.TRAILING:
        return "trailing_stop"
    prefix = "take_profit" if kind is ExitKind.TAKE_PROFIT else "stop"
    return f"{prefix}_{'market' if limit is None else 'limit'}"


def _cancel_request(row: OrderRow, account: Account) -> CancelOrder:
    return CancelOrder(
        client_id="",
        exchange_order_id=row.order.exchange_order_id,
        symbol=row.order.symbol,
        at=account.state.clock,
    )
