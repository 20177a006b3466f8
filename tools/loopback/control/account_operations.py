"""Control operations on accounts: keys, balances, external orders, and the books."""

from collections.abc import Mapping
from decimal import Decimal
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
from oms.simulation.state.paper_order import AttachedExit, Leg

Json = dict[str, Any]


async def add_key(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Adds a ``key`` with ``secret``, ``passphrase``, ``account`` (its own) and ``read_only``.

    ``balances`` is the initial deposit of a new account, by currency.
    """
    name, secret = str(body.get("key", "")), str(body.get("secret", ""))
    if not name or not secret:
        raise InvalidParameter("key and secret are required")
    owner, read_only = str(body.get("account") or name), bool(body.get("read_only"))
    balances_by_currency = body.get("balances", context.venue.balances)
    if not isinstance(balances_by_currency, dict):
        raise InvalidParameter("balances must be an object")
    balances = {
        str(coin): params.parse_number(balances_by_currency, coin) for coin in balances_by_currency
    }
    passphrase = str(body.get("passphrase", ""))
    key = ApiKey(
        name=name, secret=secret, account=owner, read_only=read_only, passphrase=passphrase
    )
    context.venue.add_key(key, balances)
    return {"account": owner}


async def deposit(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Deposits ``amount`` of ``currency``."""
    amount = params.parse_number(body, "amount")
    if amount <= 0:
        raise InvalidParameter("amount must be positive")
    currency = str(body.get("currency"))
    request = Deposit(currency=currency, amount=amount, at=context.venue.now())
    _account(context, body).apply(request)
    return {}


async def withdraw(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Withdraws ``amount`` of ``currency``."""
    request = Withdraw(
        currency=str(body.get("currency")),
        amount=params.parse_number(body, "amount"),
        at=context.venue.now(),
    )
    rejected = _account(context, body).apply(request)
    if rejected is not None:
        raise InvalidParameter(rejected.message)
    return {}


async def place_external_order(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Places an order as from the venue's own app, without a client id.

    ``symbol``, ``side``, ``qty``, ``price`` (a limit order, else market), ``leg``,
    ``reduce_only``, ``fills``: the number of parts in which a market order is executed.
    """
    owner, symbol = _account(context, body), params.parse_symbol(context.venue, body)
    price, parts = params.parse_optional_number(body, "price"), int(body.get("fills", 1))
    order = NewOrder(
        client_id="",
        symbol=symbol,
        side=params.parse_side(body),
        order_type="market" if price is None else "limit",
        qty=params.parse_number(body, "qty"),
        price=price,
        reduce_only=bool(body.get("reduce_only")),
        leg=_leg(owner, symbol, body) if symbol in owner.hedged else None,
        at=context.venue.now(),
    )
    order_count = len(owner.orders)
    if parts > 1:
        owner.apply(split_book(owner, order, parts))
    rejected = owner.apply(order, params={"orderType": "Market" if price is None else "Limit"})
    if parts > 1:
        market = context.venue.markets[symbol]
        owner.apply(BookUpdate(symbol=symbol, bids=market.bids, asks=market.asks, at=order.at))
    if rejected is not None:
        raise InvalidParameter(rejected.message)
    row = list(owner.orders.values())[order_count]
    return {"order_id": row.order_id, "state": owner.orders[row.order_id].state}


async def fill_resting_order(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Fills a resting order (``order_id``, or ``client_id`` and ``symbol``) at its price."""
    owner = _account(context, body)
    order_id = str(body.get("order_id", ""))
    if not order_id:
        row = owner.records.find_order(
            params.parse_symbol(context.venue, body), None, str(body.get("client_id"))
        )
        order_id = "" if row is None else row.order_id
    qty = params.parse_optional_number(body, "qty")
    owner.commit(fill_order(owner, order_id, qty, context.venue.now()), {})
    return {"order": order_json(owner.orders[order_id])}


async def shift_position_silently(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Changes a position by the signed ``qty`` without an update."""
    owner, symbol = _account(context, body), params.parse_symbol(context.venue, body)
    qty = params.parse_number(body, "qty")
    shift_position(owner, symbol, _leg(owner, symbol, body), qty, context.venue.now())
    return {}


async def liquidate(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Closes a position at the mark price; ``kind`` "adl" as auto-deleveraging."""
    owner, symbol = _account(context, body), params.parse_symbol(context.venue, body)
    origin = OrderOrigin.ADL if body.get("kind") == "adl" else OrderOrigin.LIQUIDATION
    close_position(owner, symbol, _leg(owner, symbol, body), origin, context.venue.now())
    return {}


async def read_books(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Returns orders, trades, positions and balances of all accounts; numbers are strings."""
    accounts = {
        name: _account_books(context, name, each) for name, each in context.venue.accounts.items()
    }
    return {"accounts": accounts}


def order_json(row: OrderRow, id_base: int = 0) -> Json:
    """Returns an order; ``number`` is its id in a dialect with integer ids, from ``id_base`` on."""
    order = row.order
    return {
        "order_id": row.order_id,
        "number": id_base + row.number,
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
        "trigger_by": order.terms.trigger_by.value,
        "reduce_only": order.reduce_only,
        "post_only": order.post_only,
        "time_in_force": order.terms.time_in_force.value,
        "trailing_percent": _number_text(order.terms.trailing_percent),
        "take_profit": _exit_text(order.terms.take_profit),
        "stop_loss": _exit_text(order.terms.stop_loss),
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


def _number_text(number: Decimal | None) -> str | None:
    return None if number is None else decimal_text(number)


def _exit_text(attached: AttachedExit | None) -> str | None:
    return None if attached is None else _number_text(attached.price)


def _account_books(context: LoopbackContext, name: str, owner: Account) -> Json:
    trades = [
        {
            "trade_id": row.execution_id,
            "number": owner.id_base + row.number,
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
        "keys": [key.name for key in context.venue.keys.values() if key.account == name],
        "orders": [order_json(row, owner.id_base) for row in owner.orders.values()],
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


def _account(context: LoopbackContext, body: Mapping[str, Any]) -> Account:
    return context.venue.account_of(params.parse_key(context.venue, body))


def _leg(owner: Account, symbol: str, body: Mapping[str, Any]) -> Leg:
    default = "long" if symbol in owner.hedged else "both"
    try:
        leg = Leg(str(body.get("leg") or default))
    except ValueError:
        raise InvalidParameter("leg must be both, long or short") from None
    if (leg is not Leg.BOTH) is not (symbol in owner.hedged):
        raise ActionNotPossible(f"{symbol} is in {'hedge' if leg is Leg.BOTH else 'one-way'} mode")
    return leg
