"""Frames of the Binance streams, with its one-letter keys."""

from loopback.binance.order_json import (
    POSITION_SIDES,
    actual_id,
    algo_status,
    client_order_id,
    is_ordinary,
    is_spot,
    ordinary_type,
    status_of,
    stop_price,
    time_in_force,
    type_of,
)
from loopback.exchange.account import Account
from loopback.exchange.numeric_ids import algo_number, order_number, trade_number
from loopback.exchange.rows import CurrencyRow, ExecutionRow, OrderRow, OrderState, PositionRow
from loopback.formatting import Json, format_number, market_id, to_ms
from oms.domain.money import ZERO, multiply


def order_frame(account: Account, row: OrderRow, fill: ExecutionRow | None, now_ms: int) -> Json:
    """Returns ``executionReport``, ``ORDER_TRADE_UPDATE`` or, before a trigger, ``ALGO_UPDATE``."""
    if not is_ordinary(row):
        return algo_frame(account, row, now_ms)
    body = _order(account, row, fill)
    if is_spot(row.order.symbol):
        return {"e": "executionReport", "E": now_ms} | body | _spot(row, fill)
    head = {"e": "ORDER_TRADE_UPDATE", "E": now_ms, "T": now_ms}
    return head | {"o": body | _linear(row, fill)}


def algo_frame(account: Account, row: OrderRow, now_ms: int) -> Json:
    """Returns an ``ALGO_UPDATE``."""
    return {"e": "ALGO_UPDATE", "T": now_ms, "E": now_ms, "o": _algo(account, row)}


def wallet_frame(coins: tuple[CurrencyRow, ...], now_ms: int) -> Json:
    """Returns an ``outboundAccountPosition``: the spot wallet."""
    rows = [
        {
            "a": coin.currency,
            "f": format_number(coin.free),
            "l": format_number(coin.spot_locked + coin.order_margin + coin.position_margin),
        }
        for coin in coins
    ]
    return {"e": "outboundAccountPosition", "E": now_ms, "u": now_ms, "B": rows}


def account_frame(
    coins: tuple[CurrencyRow, ...], positions: tuple[PositionRow, ...], now_ms: int
) -> Json:
    """Returns an ``ACCOUNT_UPDATE``: the wallet and positions of contracts."""
    balances = [
        {
            "a": coin.currency,
            "wb": format_number(coin.total),
            "cw": format_number(coin.total),
            "bc": "0",
        }
        for coin in coins
    ]
    position_rows = [
        {
            "s": market_id(row.symbol),
            "pa": format_number(row.qty),
            "ep": format_number(row.entry, "0"),
            "bep": format_number(row.entry, "0"),
            "cr": format_number(row.realised),
            "up": format_number(row.unrealised),
            "mt": "cross",
            "iw": "0",
            "ps": POSITION_SIDES[row.leg],
        }
        for row in positions
    ]
    update = {"m": "ORDER", "B": balances, "P": position_rows}
    return {"e": "ACCOUNT_UPDATE", "E": now_ms, "T": now_ms, "a": update}


def _order(account: Account, row: OrderRow, fill: ExecutionRow | None) -> Json:
    order, status = row.order, status_of(row)
    execution_type = (
        "TRADE"
        if fill is not None
        else {"EXPIRED": "EXPIRED", "CANCELED": "CANCELED"}.get(status, "NEW")
    )
    trade = None if fill is None else fill.trade
    return {
        "s": market_id(order.symbol),
        "c": client_order_id(account, row),
        "S": order.side.value.upper(),
        "o": ordinary_type(row),
        "f": time_in_force(row),
        "q": format_number(order.qty),
        "p": format_number(order.price, "0"),
        "x": execution_type,
        "X": status,
        "i": order_number(account, row),
        "l": "0" if trade is None else format_number(trade.qty),
        "z": format_number(row.filled),
        "L": "0" if trade is None else format_number(trade.price),
        "n": "0" if trade is None else format_number(trade.fee),
        "N": None if trade is None else trade.fee_currency,
        "T": to_ms(row.updated_at),
        "t": -1 if fill is None else trade_number(account, fill),
        "m": False if trade is None else trade.maker,
    }


def _spot(row: OrderRow, fill: ExecutionRow | None) -> Json:
    trade = None if fill is None else fill.trade
    return {
        "C": "",
        "F": "0",
        "g": -1,
        "r": "NONE",
        "w": row.state.is_open and row.state is not OrderState.UNTRIGGERED,
        "M": False,
        "O": to_ms(row.created_at),
        "P": format_number(row.order.terms.trigger_price, "0"),
        "Z": format_number(row.value),
        "Y": "0" if trade is None else format_number(multiply(trade.qty, trade.price)),
        "Q": str(row.params.get("quoteOrderQty", "0")),
        "W": to_ms(row.created_at),
        "V": "NONE",
    }


def _linear(row: OrderRow, fill: ExecutionRow | None) -> Json:
    return {
        "ap": format_number(row.average, "0"),
        "sp": stop_price(row),
        "R": row.order.reduce_only,
        "wt": "CONTRACT_PRICE",
        "ot": ordinary_type(row),
        "ps": POSITION_SIDES[row.order.leg],
        "cp": False,
        "rp": format_number(ZERO if fill is None else fill.trade.realised),
        "pP": False,
        "V": "NONE",
        "pm": "NONE",
        "gtd": 0,
    }


def _algo(account: Account, row: OrderRow) -> Json:
    order = row.order
    return {
        "caid": client_order_id(account, row),
        "aid": algo_number(account, row),
        "at": "CONDITIONAL",
        "o": type_of(row),
        "s": market_id(order.symbol),
        "S": order.side.value.upper(),
        "ps": POSITION_SIDES[order.leg],
        "f": time_in_force(row),
        "q": format_number(order.qty),
        "X": algo_status(row),
        "ai": actual_id(account, row),
        "tp": format_number(order.terms.trigger_price, "0"),
        "p": format_number(order.price, "0"),
        "R": order.reduce_only,
        "wt": "CONTRACT_PRICE",
    }
