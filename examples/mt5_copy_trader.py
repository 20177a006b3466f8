"""Copies the positions of one account to another, as programs for MetaTrader do.

Start a gateway with ``make run``, then run ``.venv/bin/python examples/mt5_copy_trader.py``. It
opens a position on the leading account, copies it, moves its stop loss and closes it.
The program knows nothing of oms-gateway but its import: logins are accounts, passwords are keys.
"""

import json
import sys
from pathlib import Path
from typing import Any

import mt5_driver as mt5

SYMBOL, VOLUME, MAGIC = "BTC/USDT:USDT", 0.02, 20260
#: Lots of the copy for each lot of the leading account.
RATIO = 0.5


def connect(first: dict[str, Any], account: str) -> None:
    server, key = first["base_url"], first["api_key"]
    if not mt5.initialize(login=first["accounts"][account], password=key, server=server):
        sys.exit(f"no connection: {mt5.last_error()}")


def send(**request: Any) -> Any:
    result = mt5.order_send(request)
    if result is None or result.retcode != mt5.TRADE_RETCODE_DONE:
        sys.exit(f"refused: {mt5.last_error() if result is None else result}")
    return result


def copies() -> dict[int, Any]:
    """Returns the copies by the ticket that they copy, which their comment names."""
    found = [each for each in mt5.positions_get() if each.magic == MAGIC]
    return {int(each.comment.rpartition("#")[2]): each for each in found}


def copy_positions(leading: tuple[Any, ...]) -> list[str]:
    """Opens, protects and closes what differs; returns what was done."""
    present, steps = copies(), []
    for position in leading:
        volume = round(position.volume * RATIO, 3)
        copy = present.pop(position.ticket, None)
        if copy is None:
            send(
                action=mt5.TRADE_ACTION_DEAL,
                symbol=position.symbol,
                volume=volume,
                type=position.type,
                sl=position.sl,
                magic=MAGIC,
                comment=f"copy#{position.ticket}",
            )
            steps.append(f"opened {volume}")
        elif copy.sl != position.sl:
            send(
                action=mt5.TRADE_ACTION_SLTP,
                symbol=copy.symbol,
                position=copy.ticket,
                sl=position.sl,
            )
            steps.append("moved the stop loss")
    for copy in present.values():
        closed = mt5.Close(copy.symbol, ticket=copy.ticket)
        steps.append(f"closed: {closed}")
    return steps


def main() -> None:
    first = json.loads(Path("var/first-run.json").read_text(encoding="utf-8"))

    def follow() -> None:
        connect(first, "hedge")
        leading = mt5.positions_get(symbol=SYMBOL)
        connect(first, "netting")
        print(*(copy_positions(leading) or ["nothing to do"]), sep=", ")

    connect(first, "hedge")
    bid = mt5.symbol_info_tick(SYMBOL).bid
    deal = {"action": mt5.TRADE_ACTION_DEAL, "symbol": SYMBOL, "volume": VOLUME}
    opened = send(**deal, type=mt5.ORDER_TYPE_BUY, sl=bid * 0.9)
    follow()
    follow()
    connect(first, "hedge")
    send(action=mt5.TRADE_ACTION_SLTP, symbol=SYMBOL, position=opened.order, sl=bid * 0.92)
    follow()
    connect(first, "hedge")
    mt5.Close(SYMBOL, ticket=opened.order)
    follow()
    mt5.shutdown()


if __name__ == "__main__":
    main()
