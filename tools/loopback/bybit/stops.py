"""Ways out that are set on a position: they are conditional orders of the venue, without a name.

Those for the whole position follow its size; all end with it.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from loopback.account import Account
from loopback.bybit.errors import Refusal, bad, of_engine
from loopback.bybit.names import LEGS, number_in
from loopback.bybit.wishes import trigger_by
from loopback.rows import Exit, OrderRow, Origin
from oms.domain.instrument import Instrument
from oms.domain.order import Side
from oms.simulation.inputs import Cancel, Change, Place
from oms.simulation.memory import PaperPosition, Terms

if TYPE_CHECKING:
    from loopback.bybit.gateway import Caller

#: Kind: the parameters of its price, quantity, limit price, and trigger.
_WORDS = {
    Exit.TAKE_PROFIT: ("takeProfit", "tpSize", "tpLimitPrice", "tpTriggerBy"),
    Exit.STOP_LOSS: ("stopLoss", "slSize", "slLimitPrice", "slTriggerBy"),
    Exit.TRAILING: ("trailingStop", "", "", ""),
}


def put_stops(caller: "Caller", instrument: Instrument, params: Mapping[str, Any]) -> None:
    """Set, replace (whole position) or take away ("0") what is asked for. Raises ``Refusal``."""
    index = str(params.get("positionIdx") or 0)
    leg = LEGS.get(int(index)) if index.isdigit() else None
    held = caller.account.memory.positions.get((instrument.symbol, leg)) if leg else None
    if held is None:
        raise bad("can not set tp/sl/ts for zero position")
    asked = [exit for exit, words in _WORDS.items() if params.get(words[0]) not in (None, "")]
    if not asked:
        raise bad("params error: nothing to set")
    for exit in asked:
        if params.get("tpslMode") != "Partial":
            _take_away(caller, held, exit)
        if number_in(params, _WORDS[exit][0]) is not None:
            _put(caller, instrument, held, exit, params)


def follow_positions(account: Account) -> None:
    """Let stops follow the positions that they are set on; those without one end."""
    for row in account.open_orders():
        if row.origin is not Origin.TRADING_STOP:
            continue
        held = account.memory.positions.get((row.order.symbol, row.order.leg))
        closes = held is not None and (held.qty > 0) is (row.order.side is Side.SELL)
        if held is None or not closes:
            account.do(_cancel(row, account))
        elif row.wish.get("tpslMode") == "Full" and row.order.qty != held.qty.copy_abs():
            account.do(
                Change(
                    client_id="",
                    exchange_order_id=row.order.exchange_order_id,
                    symbol=row.order.symbol,
                    qty=held.qty.copy_abs(),
                    at=account.memory.clock,
                )
            )


def _take_away(caller: "Caller", held: PaperPosition, exit: Exit) -> None:
    for row in caller.account.open_orders():
        if row.exit is exit and (row.order.symbol, row.order.leg) == (held.symbol, held.leg):
            caller.account.do(_cancel(row, caller.account))


def _put(
    caller: "Caller",
    instrument: Instrument,
    held: PaperPosition,
    exit: Exit,
    params: Mapping[str, Any],
) -> None:
    name, size_name, limit_name, by_name = _WORDS[exit]
    level = number_in(params, name)
    limit = number_in(params, limit_name) if limit_name else None
    size = number_in(params, size_name) if size_name else None
    if level is None or any(each is not None and each % instrument.tick for each in (level, limit)):
        raise bad(f"{name} invalid")
    side = Side.SELL if held.qty > 0 else Side.BUY
    whole = held.qty.copy_abs()
    place = Place(
        client_id="",
        symbol=instrument.symbol,
        side=side,
        order_type=_type(exit, limit),
        qty=min(size or whole, whole),
        price=limit,
        reduce_only=True,
        leg=held.leg,
        terms=Terms(
            trigger_price=None if exit is Exit.TRAILING else level,
            trailing_amount=level if exit is Exit.TRAILING else None,
            trigger_by=trigger_by(params.get(by_name)),
        ),
        at=caller.venue.now(),
    )
    wish = {"tpslMode": "Full" if size is None else "Partial", "triggerBy": params.get(by_name)}
    rejected = caller.account.do(place, wish=wish, origin=Origin.TRADING_STOP, exit=exit)
    if rejected is not None and "reached" in rejected.message:
        raise Refusal(10001, f"{name} is on the wrong side of the market")
    if rejected is not None:
        raise of_engine(rejected, "linear")


def _type(exit: Exit, limit: Decimal | None) -> str:
    if exit is Exit.TRAILING:
        return "trailing_stop"
    word = "take_profit" if exit is Exit.TAKE_PROFIT else "stop"
    return f"{word}_{'market' if limit is None else 'limit'}"


def _cancel(row: OrderRow, account: Account) -> Cancel:
    return Cancel(
        client_id="",
        exchange_order_id=row.order.exchange_order_id,
        symbol=row.order.symbol,
        at=account.memory.clock,
    )
