"""Ways out that are set on a position: they are conditional orders of the venue, without a name.

Those for the whole position follow its size; all end with it.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from loopback.bybit.errors import ApiError, from_engine, invalid_request
from loopback.bybit.order_request import parse_trigger_by
from loopback.bybit.params import LEGS, parse_number
from loopback.exchange.account import Account
from loopback.exchange.rows import ExitKind, OrderOrigin, OrderRow
from oms.domain.instrument import Instrument
from oms.domain.orders.order import Side
from oms.simulation.inputs import CancelOrder, ChangeOrder, NewOrder
from oms.simulation.state.exchange_state import OrderTerms, PaperPosition

if TYPE_CHECKING:
    from loopback.bybit.api import Caller

#: Kind: the parameters of its price, quantity, limit price, and trigger.
_WORDS = {
    ExitKind.TAKE_PROFIT: ("takeProfit", "tpSize", "tpLimitPrice", "tpTriggerBy"),
    ExitKind.STOP_LOSS: ("stopLoss", "slSize", "slLimitPrice", "slTriggerBy"),
    ExitKind.TRAILING: ("trailingStop", "", "", ""),
}


def set_trading_stops(caller: "Caller", instrument: Instrument, params: Mapping[str, Any]) -> None:
    """Set, replace (whole position) or take away ("0") what is asked for. Raises ``Refusal``."""
    index = str(params.get("positionIdx") or 0)
    leg = LEGS.get(int(index)) if index.isdigit() else None
    held = caller.account.state.positions.get((instrument.symbol, leg)) if leg else None
    if held is None:
        raise invalid_request("can not set tp/sl/ts for zero position")
    asked = [exit for exit, words in _WORDS.items() if params.get(words[0]) not in (None, "")]
    if not asked:
        raise invalid_request("params error: nothing to set")
    for exit in asked:
        if params.get("tpslMode") != "Partial":
            _take_away(caller, held, exit)
        if parse_number(params, _WORDS[exit][0]) is not None:
            _put(caller, instrument, held, exit, params)


def resize_trading_stops(account: Account) -> None:
    """Let stops follow the positions that they are set on; those without one end."""
    for row in account.open_orders():
        if row.origin is not OrderOrigin.TRADING_STOP:
            continue
        held = account.state.positions.get((row.order.symbol, row.order.leg))
        closes = held is not None and (held.qty > 0) is (row.order.side is Side.SELL)
        if held is None or not closes:
            account.do(_cancel(row, account))
        elif row.wish.get("tpslMode") == "Full" and row.order.qty != held.qty.copy_abs():
            account.do(
                ChangeOrder(
                    client_id="",
                    exchange_order_id=row.order.exchange_order_id,
                    symbol=row.order.symbol,
                    qty=held.qty.copy_abs(),
                    at=account.state.clock,
                )
            )


def _take_away(caller: "Caller", held: PaperPosition, exit: ExitKind) -> None:
    for row in caller.account.open_orders():
        if row.exit is exit and (row.order.symbol, row.order.leg) == (held.symbol, held.leg):
            caller.account.do(_cancel(row, caller.account))


def _put(
    caller: "Caller",
    instrument: Instrument,
    held: PaperPosition,
    exit: ExitKind,
    params: Mapping[str, Any],
) -> None:
    name, size_name, limit_name, by_name = _WORDS[exit]
    level = parse_number(params, name)
    limit = parse_number(params, limit_name) if limit_name else None
    size = parse_number(params, size_name) if size_name else None
    if level is None or any(each is not None and each % instrument.tick for each in (level, limit)):
        raise invalid_request(f"{name} invalid")
    side = Side.SELL if held.qty > 0 else Side.BUY
    whole = held.qty.copy_abs()
    place = NewOrder(
        client_id="",
        symbol=instrument.symbol,
        side=side,
        order_type=_type(exit, limit),
        qty=min(size or whole, whole),
        price=limit,
        reduce_only=True,
        leg=held.leg,
        terms=OrderTerms(
            trigger_price=None if exit is ExitKind.TRAILING else level,
            trailing_amount=level if exit is ExitKind.TRAILING else None,
            trigger_by=parse_trigger_by(params.get(by_name)),
        ),
        at=caller.venue.now(),
    )
    wish = {"tpslMode": "Full" if size is None else "Partial", "triggerBy": params.get(by_name)}
    rejected = caller.account.do(place, wish=wish, origin=OrderOrigin.TRADING_STOP, exit=exit)
    if rejected is not None and "reached" in rejected.message:
        raise ApiError(10001, f"{name} is on the wrong side of the market")
    if rejected is not None:
        raise from_engine(rejected, "linear")


def _type(exit: ExitKind, limit: Decimal | None) -> str:
    if exit is ExitKind.TRAILING:
        return "trailing_stop"
    word = "take_profit" if exit is ExitKind.TAKE_PROFIT else "stop"
    return f"{word}_{'market' if limit is None else 'limit'}"


def _cancel(row: OrderRow, account: Account) -> CancelOrder:
    return CancelOrder(
        client_id="",
        exchange_order_id=row.order.exchange_order_id,
        symbol=row.order.symbol,
        at=account.state.clock,
    )
