"""Functions of the package that trade, and that read orders, positions and their history."""

from collections.abc import Callable
from typing import Any, TypeVar

from mt5_driver.calls import connected_call
from mt5_driver.constants import (
    ORDER_TYPE_BUY,
    ORDER_TYPE_SELL,
    RES_E_INVALID_PARAMS,
    RES_E_NOT_FOUND,
)
from mt5_driver.errors import CallFailed, invalid_argument
from mt5_driver.group_filter import make_group_filter
from mt5_driver.history import (
    count_open_orders,
    count_positions,
    read_deals_of_order,
    read_deals_of_position,
    read_history_deals,
    read_history_orders,
    read_open_orders,
    read_orders_of_position,
    read_orders_of_ticket,
    read_positions,
)
from mt5_driver.numbers import exact, to_seconds, whole
from mt5_driver.session import Session
from mt5_driver.structures import (
    OrderCheckResult,
    OrderSendResult,
    TradeDeal,
    TradeOrder,
    TradePosition,
)
from mt5_driver.symbols import Kind
from mt5_driver.trade_commands import BUYS
from mt5_driver.trading import check_request, send_request

__all__ = [
    "Buy",
    "Close",
    "Sell",
    "history_deals_get",
    "history_deals_total",
    "history_orders_get",
    "history_orders_total",
    "order_calc_margin",
    "order_calc_profit",
    "order_check",
    "order_send",
    "orders_get",
    "orders_total",
    "positions_get",
    "positions_total",
]

Row = TypeVar("Row", TradePosition, TradeOrder, TradeDeal)


@connected_call
def orders_total(session: Session) -> int:
    """Returns the number of open orders."""
    return count_open_orders(session)


@connected_call
def orders_get(
    session: Session, *, symbol: str | None = None, group: str | None = None, ticket: Any = None
) -> tuple[TradeOrder, ...]:
    """Returns the open orders: all, of a symbol, of a group, or the one of a ticket."""
    return _chosen(session, read_open_orders(session), symbol, group, ticket)


@connected_call
def order_calc_margin(
    session: Session, action: int, symbol: str, volume: float, price: float
) -> float:
    """Returns the margin of a deal in the account's currency; of spot its whole value."""
    instrument, _ = session.instrument(symbol), _deal_type(action)
    at = exact(price, "price")
    if at <= 0:
        raise invalid_argument("price")
    quantity = instrument.to_quantity(exact(volume, "volume"))
    leverage = 1 if instrument.kind is Kind.SPOT else session.leverage_of(instrument)
    return float(instrument.notional(quantity, at) / leverage * _rate(session, instrument.settle))


@connected_call
def order_calc_profit(
    session: Session,
    action: int,
    symbol: str,
    volume: float,
    price_open: float,
    price_close: float,
) -> float:
    """Returns the profit of a position in the account's currency, without fees."""
    instrument, side = session.instrument(symbol), _deal_type(action)
    opened, closed = exact(price_open, "price_open"), exact(price_close, "price_close")
    if opened <= 0 or closed <= 0:
        raise invalid_argument("price_open" if opened <= 0 else "price_close")
    quantity = instrument.to_quantity(exact(volume, "volume"))
    profit = instrument.profit(quantity, opened, closed, is_long=side in BUYS)
    return float(profit * _rate(session, instrument.settle))


@connected_call
def order_check(session: Session, request: Any) -> OrderCheckResult:
    """Returns what a trade request would do, sending nothing; ``retcode`` 0: it may be sent."""
    return check_request(session, request)


@connected_call
def order_send(session: Session, request: Any) -> OrderSendResult:
    """Sends a trade request. ``retcode`` of the result says what became of it."""
    return send_request(session, request)


@connected_call
def positions_total(session: Session) -> int:
    """Returns the number of open positions."""
    return count_positions(session)


@connected_call
def positions_get(
    session: Session, *, symbol: str | None = None, group: str | None = None, ticket: Any = None
) -> tuple[TradePosition, ...]:
    """Returns the open positions: all, of a symbol, of a group, or the one of a ticket."""
    return _chosen(session, read_positions(session), symbol, group, ticket)


@connected_call
def history_orders_total(session: Session, date_from: Any, date_to: Any) -> int:
    """Returns the number of orders that ended in a period."""
    return len(read_history_orders(session, *_period(date_from, date_to)))


@connected_call
def history_deals_total(session: Session, date_from: Any, date_to: Any) -> int:
    """Returns the number of deals in a period."""
    return len(read_history_deals(session, *_period(date_from, date_to)))


def _history_get(
    name: str,
    summary: str,
    of_period: Callable[[Session, float, float], tuple[Row, ...]],
    of_ticket: Callable[[Session, int], tuple[Row, ...]],
    of_position: Callable[[Session, int], tuple[Row, ...]],
) -> Callable[..., tuple[Row, ...] | None]:
    """Makes the function of the package that reads orders, or deals, of the history."""

    def get(
        session: Session,
        date_from: Any = None,
        date_to: Any = None,
        *,
        group: str | None = None,
        ticket: Any = None,
        position: Any = None,
    ) -> tuple[Row, ...]:
        if ticket is not None:
            return of_ticket(session, whole(ticket, "ticket"))
        if position is not None:
            return of_position(session, whole(position, "position"))
        found = of_period(session, *_period(date_from, date_to))
        return _chosen(session, found, None, group, None)

    get.__name__ = get.__qualname__ = name
    get.__doc__ = summary
    return connected_call(get)


history_orders_get = _history_get(
    "history_orders_get",
    "Returns ended orders: of a period and a group, of a ticket, or of a position.",
    read_history_orders,
    read_orders_of_ticket,
    read_orders_of_position,
)
history_deals_get = _history_get(
    "history_deals_get",
    "Returns deals: of a period and a group, of an order (``ticket``), or of a position.",
    read_history_deals,
    read_deals_of_order,
    read_deals_of_position,
)


def Buy(
    symbol: str, volume: float, price: Any = None, *, comment: Any = None, ticket: Any = None
) -> Any:
    """Buys at the market; with ``ticket`` it closes a short position."""
    return _RawOrder(ORDER_TYPE_BUY, symbol, volume, price, comment, ticket)


def Sell(
    symbol: str, volume: float, price: Any = None, *, comment: Any = None, ticket: Any = None
) -> Any:
    """Sells at the market; with ``ticket`` it closes a long position."""
    return _RawOrder(ORDER_TYPE_SELL, symbol, volume, price, comment, ticket)


def Close(symbol: str, *, comment: Any = None, ticket: Any = None) -> bool | str | None:
    """Closes the positions of a symbol, or that of a ticket.

    Returns ``True`` if all were closed, ``"Partially"``, ``False`` if none was, ``None`` if a call
    failed.
    """
    found = positions_get(ticket=ticket) if ticket is not None else positions_get(symbol=symbol)
    if found is None:
        return None
    done = 0
    for position in found:
        side = ORDER_TYPE_SELL if position.type == ORDER_TYPE_BUY else ORDER_TYPE_BUY
        result = _RawOrder(side, symbol, position.volume, None, comment, position.ticket)
        if result is None:
            return None
        done += result.retcode == _DONE
    if not done:
        return False
    return True if done == len(found) else "Partially"


_DONE = 10009
_DEVIATION = 10


def _RawOrder(
    order_type: int,
    symbol: str,
    volume: float,
    price: Any,
    comment: Any = None,
    ticket: Any = None,
) -> OrderSendResult | None:
    """Sends a deal; a function that the package has without documenting it."""
    request = {"action": 1, "symbol": symbol, "volume": volume, "type": order_type}
    request |= {"price": price, "deviation": _DEVIATION, "comment": comment, "position": ticket}
    result: OrderSendResult | None = order_send(request)
    return result


def _chosen(
    session: Session, rows: tuple[Row, ...], symbol: Any, group: Any, ticket: Any
) -> tuple[Row, ...]:
    if ticket is not None:
        number = whole(ticket, "ticket")
        return tuple(row for row in rows if row.ticket == number)
    if symbol is not None:
        if not isinstance(symbol, str):
            raise invalid_argument("symbol")
        known = session.catalog.find(symbol)
        name = symbol if known is None else known.name
        return tuple(row for row in rows if row.symbol == name)
    belongs: Callable[[str], bool] = make_group_filter("*" if group is None else group)
    return tuple(row for row in rows if belongs(row.symbol))


def _period(date_from: Any, date_to: Any) -> tuple[float, float]:
    if date_from is None or date_to is None:
        raise CallFailed(RES_E_INVALID_PARAMS, "Invalid arguments")
    since = max(to_seconds(date_from, "date_from"), 0.0)
    return since, to_seconds(date_to, "date_to")


def _deal_type(action: Any) -> int:
    number = whole(action, "action")
    if not 0 <= number <= 7:
        raise invalid_argument("action")
    return number


def _rate(session: Session, currency: str) -> Any:
    rate = session.rate(currency)
    if rate is None:
        text = f"Terminal: Not found: no market has the rate of {currency}"
        raise CallFailed(RES_E_NOT_FOUND, text)
    return rate
