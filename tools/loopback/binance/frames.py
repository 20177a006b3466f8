"""What the streams of the Binance dialect say, in its one-letter words."""

from loopback.account import Account
from loopback.binance.shapes import (
    SIDES,
    actual_id,
    algo_number,
    algo_status,
    client_of,
    is_listed,
    is_spot,
    listed_type,
    order_number,
    status_of,
    stop_price,
    time_in_force,
    trade_number,
    type_of,
)
from loopback.rows import CoinRow, ExecutionRow, OrderRow, PositionRow, State
from loopback.words import Json, id_of, ms, text
from oms.domain.money import ZERO, product


def order_frame(account: Account, row: OrderRow, fill: ExecutionRow | None, now_ms: int) -> Json:
    """``executionReport``, ``ORDER_TRADE_UPDATE`` or, while it waits, ``ALGO_UPDATE``."""
    if not is_listed(row):
        return algo_frame(account, row, now_ms)
    told = _order(account, row, fill)
    if is_spot(row.order.symbol):
        return {"e": "executionReport", "E": now_ms} | told | _spot(row, fill)
    more = {"e": "ORDER_TRADE_UPDATE", "E": now_ms, "T": now_ms}
    return more | {"o": told | _linear(row, fill)}


def algo_frame(account: Account, row: OrderRow, now_ms: int) -> Json:
    """``ALGO_UPDATE``."""
    return {"e": "ALGO_UPDATE", "T": now_ms, "E": now_ms, "o": _algo(account, row)}


def wallet_frame(coins: tuple[CoinRow, ...], now_ms: int) -> Json:
    """``outboundAccountPosition``: the wallet as spot shows it."""
    rows = [
        {
            "a": coin.currency,
            "f": text(coin.free),
            "l": text(coin.spot_locked + coin.order_margin + coin.position_margin),
        }
        for coin in coins
    ]
    return {"e": "outboundAccountPosition", "E": now_ms, "u": now_ms, "B": rows}


def account_frame(
    coins: tuple[CoinRow, ...], positions: tuple[PositionRow, ...], now_ms: int
) -> Json:
    """``ACCOUNT_UPDATE``: the wallet and positions of contracts."""
    balances = [
        {"a": coin.currency, "wb": text(coin.total), "cw": text(coin.total), "bc": "0"}
        for coin in coins
    ]
    held = [
        {
            "s": id_of(row.symbol),
            "pa": text(row.qty),
            "ep": text(row.entry, "0"),
            "bep": text(row.entry, "0"),
            "cr": text(row.realised),
            "up": text(row.unrealised),
            "mt": "cross",
            "iw": "0",
            "ps": SIDES[row.leg],
        }
        for row in positions
    ]
    update = {"m": "ORDER", "B": balances, "P": held}
    return {"e": "ACCOUNT_UPDATE", "E": now_ms, "T": now_ms, "a": update}


def _order(account: Account, row: OrderRow, fill: ExecutionRow | None) -> Json:
    order, status = row.order, status_of(row)
    happened = (
        "TRADE"
        if fill is not None
        else {"EXPIRED": "EXPIRED", "CANCELED": "CANCELED"}.get(status, "NEW")
    )
    trade = None if fill is None else fill.trade
    return {
        "s": id_of(order.symbol),
        "c": client_of(account, row),
        "S": order.side.value.upper(),
        "o": listed_type(row),
        "f": time_in_force(row),
        "q": text(order.qty),
        "p": text(order.price, "0"),
        "x": happened,
        "X": status,
        "i": order_number(account, row),
        "l": "0" if trade is None else text(trade.qty),
        "z": text(row.filled),
        "L": "0" if trade is None else text(trade.price),
        "n": "0" if trade is None else text(trade.fee),
        "N": None if trade is None else trade.fee_currency,
        "T": ms(row.updated_at),
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
        "w": row.state.is_open and row.state is not State.UNTRIGGERED,
        "M": False,
        "O": ms(row.created_at),
        "P": text(row.order.terms.trigger_price, "0"),
        "Z": text(row.value),
        "Y": "0" if trade is None else text(product(trade.qty, trade.price)),
        "Q": str(row.wish.get("quoteOrderQty", "0")),
        "W": ms(row.created_at),
        "V": "NONE",
    }


def _linear(row: OrderRow, fill: ExecutionRow | None) -> Json:
    return {
        "ap": text(row.average, "0"),
        "sp": stop_price(row),
        "R": row.order.reduce_only,
        "wt": "CONTRACT_PRICE",
        "ot": listed_type(row),
        "ps": SIDES[row.order.leg],
        "cp": False,
        "rp": text(ZERO if fill is None else fill.trade.realised),
        "pP": False,
        "V": "NONE",
        "pm": "NONE",
        "gtd": 0,
    }


def _algo(account: Account, row: OrderRow) -> Json:
    order = row.order
    return {
        "caid": client_of(account, row),
        "aid": algo_number(account, row),
        "at": "CONDITIONAL",
        "o": type_of(row),
        "s": id_of(order.symbol),
        "S": order.side.value.upper(),
        "ps": SIDES[order.leg],
        "f": time_in_force(row),
        "q": text(order.qty),
        "X": algo_status(row),
        "ai": actual_id(account, row),
        "tp": text(order.terms.trigger_price, "0"),
        "p": text(order.price, "0"),
        "R": order.reduce_only,
        "wt": "CONTRACT_PRICE",
    }
