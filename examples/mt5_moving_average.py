"""An expert's loop: two moving averages decide about one position, as in MetaTrader programs.

Start a gateway with ``make run``, then run ``.venv/bin/python examples/mt5_moving_average.py 3``.
The number is that of rounds (default: without end, one per second). Address, key and account come
from OMS_BASE_URL, OMS_API_KEY and OMS_ACCOUNT_ID.
"""

import sys
import time
from typing import Any

import pandas as pd

import mt5_driver as mt5

SYMBOL, VOLUME, MAGIC = "BTC/USDT:USDT", 0.01, 20261
TIMEFRAME, FAST, SLOW = mt5.TIMEFRAME_M1, 5, 20
STOP_SHARE = 0.02


def wanted_side() -> int:
    """Returns the side of the fast average of the closed bars against the slow one."""
    bars = pd.DataFrame(mt5.copy_rates_from_pos(SYMBOL, TIMEFRAME, 1, SLOW))
    fast, slow = bars["close"].tail(FAST).mean(), bars["close"].mean()
    return mt5.ORDER_TYPE_BUY if fast > slow else mt5.ORDER_TYPE_SELL


def own_positions() -> list[Any]:
    return [each for each in mt5.positions_get(symbol=SYMBOL) if each.magic == MAGIC]


def open_position(side: int) -> Any:
    tick, is_buy = mt5.symbol_info_tick(SYMBOL), side == mt5.ORDER_TYPE_BUY
    price = tick.ask if is_buy else tick.bid
    request = {
        "action": mt5.TRADE_ACTION_DEAL,
        "symbol": SYMBOL,
        "volume": VOLUME,
        "type": side,
        "price": price,
        "sl": price * (1 - STOP_SHARE if is_buy else 1 + STOP_SHARE),
        "deviation": 20,
        "magic": MAGIC,
        "comment": "moving average",
        "type_filling": mt5.ORDER_FILLING_IOC,
    }
    check = mt5.order_check(request)
    if check is None or check.retcode != 0:
        return check
    return mt5.order_send(request)


def trade() -> str:
    """Holds one position on the wanted side; returns what was done."""
    side = wanted_side()
    for position in own_positions():
        if position.type == side:
            return f"held {position.volume} with a profit of {position.profit:.2f}"
        mt5.Close(SYMBOL, ticket=position.ticket)
    result = open_position(side)
    if result is None or result.retcode != mt5.TRADE_RETCODE_DONE:
        return f"refused: {mt5.last_error() if result is None else result.comment}"
    return f"{'bought' if side == mt5.ORDER_TYPE_BUY else 'sold'} {result.volume}"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else None
    if not mt5.initialize():
        sys.exit(f"no connection: {mt5.last_error()}")
    while rounds is None or rounds > 0:
        print(trade(), flush=True)
        if rounds is not None:
            rounds -= 1
        time.sleep(1)
    for position in own_positions():
        print(f"closed: {mt5.Close(SYMBOL, ticket=position.ticket)}")
    mt5.shutdown()


if __name__ == "__main__":
    main()
