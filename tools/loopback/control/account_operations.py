"""Operations on accounts: money, orders of others' making, and the books as they are."""

from collections.abc import Mapping
from typing import Any

from loopback.control import params
from loopback.control.context import LoopbackContext
from loopback.control.params import InvalidParameter
from loopback.exchange.account import Account
from loopback.exchange.account_rows import position_row, wallet_rows
from loopback.exchange.rows import OrderOrigin, OrderRow
from loopback.exchange.venue import ApiKey
from loopback.exchange.venue_actions import (
    ActionNotPossible,
    close_position,
    fill_order,
    shift_position,
    split_book,
)
from oms.domain.money import decimal_text
from oms.simulation.inputs import BookUpdate, Deposit, NewOrder, Withdraw
from oms.simulation.state.exchange_state import Leg

Json = dict[str, Any]


async def account(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """A new key: ``key``, ``secret``, ``account`` (its own if none is told), ``read_only``.

    ``balances`` are a new account's first money, by currency.
    """
    name, secret = str(told.get("key", "")), str(told.get("secret", ""))
    if not name or not secret:
        raise InvalidParameter("key and secret are needed")
    owner, read_only = str(told.get("account") or name), bool(told.get("read_only"))
    told_balances = told.get("balances", desk.venue.balances)
    if not isinstance(told_balances, dict):
        raise InvalidParameter("balances must be an object")
    balances = {str(coin): params.parse_number(told_balances, coin) for coin in told_balances}
    desk.venue.add_key(
        ApiKey(name=name, secret=secret, account=owner, read_only=read_only), balances
    )
    return {"account": owner}


async def deposit(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """``currency`` and ``amount`` arrive."""
    amount = params.parse_number(told, "amount")
    if amount <= 0:
        raise InvalidParameter("amount must be positive")
    paid = Deposit(currency=str(told.get("currency")), amount=amount, at=desk.venue.now())
    _account(desk, told).do(paid)
    return {}


async def withdraw(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """``currency`` and ``amount`` leave."""
    wish = Withdraw(
        currency=str(told.get("currency")),
        amount=params.parse_number(told, "amount"),
        at=desk.venue.now(),
    )
    refused = _account(desk, told).do(wish)
    if refused is not None:
        raise InvalidParameter(refused.message)
    return {}


async def external(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """An order made in the venue's own app: no client id.

    ``symbol``, ``side``, ``qty``, ``price`` (a limit order, else market), ``leg``,
    ``reduce_only``, ``fills``: in how many parts a market order is executed.
    """
    owner, symbol = _account(desk, told), params.parse_symbol(desk.venue, told)
    price, parts = params.parse_optional_number(told, "price"), int(told.get("fills", 1))
    place = NewOrder(
        client_id="",
        symbol=symbol,
        side=params.parse_side(told),
        order_type="market" if price is None else "limit",
        qty=params.parse_number(told, "qty"),
        price=price,
        reduce_only=bool(told.get("reduce_only")),
        leg=_leg(owner, symbol, told) if symbol in owner.hedged else None,
        at=desk.venue.now(),
    )
    made = len(owner.orders)
    if parts > 1:
        owner.do(split_book(owner, place, parts))
    refused = owner.do(place, wish={"orderType": "Market" if price is None else "Limit"})
    if parts > 1:
        shown = desk.venue.shown[symbol]
        owner.do(BookUpdate(symbol=symbol, bids=shown.bids, asks=shown.asks, at=place.at))
    if refused is not None:
        raise InvalidParameter(refused.message)
    row = list(owner.orders.values())[made]
    return {"order_id": row.order_id, "state": owner.orders[row.order_id].state}


async def fill(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """A resting order (``order_id``, or ``client_id`` and ``symbol``) is executed at its price."""
    owner = _account(desk, told)
    order_id = str(told.get("order_id", ""))
    if not order_id:
        row = owner.records.find_order(
            params.parse_symbol(desk.venue, told), None, str(told.get("client_id"))
        )
        order_id = "" if row is None else row.order_id
    qty = params.parse_optional_number(told, "qty")
    owner.take(fill_order(owner, order_id, qty, desk.venue.now()), {})
    return {"order": order_json(owner.orders[order_id])}


async def nudge(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """A position changes by the signed ``qty`` and nobody is told."""
    owner, symbol = _account(desk, told), params.parse_symbol(desk.venue, told)
    qty = params.parse_number(told, "qty")
    shift_position(owner, symbol, _leg(owner, symbol, told), qty, desk.venue.now())
    return {}


async def liquidate(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """A position is closed at the mark; ``kind`` "adl": for another trader's loss."""
    owner, symbol = _account(desk, told), params.parse_symbol(desk.venue, told)
    origin = OrderOrigin.ADL if told.get("kind") == "adl" else OrderOrigin.LIQUIDATION
    close_position(owner, symbol, _leg(owner, symbol, told), origin, desk.venue.now())
    return {}


async def books(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """All accounts as they are; numbers are texts."""
    accounts = {name: _books(desk, name, each) for name, each in desk.venue.accounts.items()}
    return {"accounts": accounts}


def order_json(row: OrderRow, base: int = 0) -> Json:
    """An order in plain words; ``number`` is its id where a dialect counts, from ``base`` on."""
    order = row.order
    return {
        "order_id": row.order_id,
        "number": base + row.number,
        "client_id": order.client_id,
        "symbol": order.symbol,
        "side": order.side.value,
        "type": order.order_type,
        "leg": order.leg.value,
        "qty": decimal_text(order.qty),
        "price": None if order.price is None else decimal_text(order.price),
        "trigger": None
        if order.terms.trigger_price is None
        else decimal_text(order.terms.trigger_price),
        "reduce_only": order.reduce_only,
        "filled": decimal_text(row.filled),
        "average": None if row.average is None else decimal_text(row.average),
        "fees": {name: decimal_text(fee) for name, fee in row.fees.items()},
        "state": row.state.value,
        "reason": row.reason,
        "origin": row.origin.value,
        "exit": row.exit.value,
        "parent": row.parent,
        "created_at": row.created_at.isoformat(),
        "updated_at": row.updated_at.isoformat(),
    }


def _books(desk: LoopbackContext, name: str, owner: Account) -> Json:
    trades = [
        {
            "trade_id": row.execution_id,
            "number": owner.base + row.number,
            "order_id": "" if row.order is None else row.order.order_id,
            "client_id": row.trade.client_id,
            "kind": row.kind,
            "symbol": row.trade.symbol,
            "side": row.trade.side.value,
            "leg": row.trade.leg.value,
            "qty": decimal_text(row.trade.qty),
            "price": decimal_text(row.trade.price),
            "fee": decimal_text(row.trade.fee),
            "fee_currency": row.trade.fee_currency,
            "maker": row.trade.maker,
            "realised": decimal_text(row.trade.realised),
            "at": row.trade.executed_at.isoformat(),
        }
        for row in owner.records.executions
    ]
    positions = [position_row(owner, *each) for each in sorted(owner.state.positions)]
    return {
        "keys": [key.name for key in desk.venue.keys.values() if key.account == name],
        "orders": [order_json(row, owner.base) for row in owner.orders.values()],
        "trades": trades,
        "positions": [
            {
                "symbol": row.symbol,
                "leg": row.leg.value,
                "qty": decimal_text(row.qty),
                "entry": None if row.entry is None else decimal_text(row.entry),
                "unrealised": decimal_text(row.unrealised),
                "margin": decimal_text(row.margin),
                "leverage": row.leverage,
            }
            for row in positions
        ],
        "balances": {
            coin.currency: {
                "free": decimal_text(coin.free),
                "used": decimal_text(coin.total - coin.free),
                "total": decimal_text(coin.total),
            }
            for coin in wallet_rows(owner)
        },
        "hedged": sorted(owner.hedged),
    }


def _account(desk: LoopbackContext, told: Mapping[str, Any]) -> Account:
    return desk.venue.account_of(params.parse_key(desk.venue, told))


def _leg(owner: Account, symbol: str, told: Mapping[str, Any]) -> Leg:
    usual = "long" if symbol in owner.hedged else "both"
    try:
        leg = Leg(str(told.get("leg") or usual))
    except ValueError:
        raise InvalidParameter("leg must be both, long or short") from None
    if (leg is not Leg.BOTH) is not (symbol in owner.hedged):
        raise ActionNotPossible(f"{symbol} is in {'hedge' if leg is Leg.BOTH else 'one-way'} mode")
    return leg
