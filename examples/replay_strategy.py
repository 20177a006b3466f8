"""A small strategy on replayed prices: buy well below the moving average, sell above it.

It needs a running gateway, an account whose price source is ``replay``, and its id in
OMS_ACCOUNT_ID; docs/start.md shows how to make one. At speed "max" every look shows the next price
of the tape, so the strategy runs as fast as it can and ends the same each time.
"""

import json
import os
from collections import deque
from decimal import Decimal
from pathlib import Path

from ccxt_driver import OmsCcxtExchange

SYMBOL = "BTC/USDT"
QTY = "0.5"
LOOKS = int(os.environ.get("LOOKS", "590"))
AVERAGE_OF = 40
EDGE = Decimal("0.0002")


def trade(exchange: OmsCcxtExchange) -> None:
    """Look, decide, trade; whatever is held in the end is sold."""
    seen: deque[Decimal] = deque(maxlen=AVERAGE_OF)
    held = None
    for _ in range(LOOKS):
        ticker = exchange.fetch_ticker(SYMBOL)
        price = (Decimal(str(ticker["bid"])) + Decimal(str(ticker["ask"]))) / 2
        seen.append(price)
        average = sum(seen) / len(seen)
        if held is None and len(seen) == AVERAGE_OF and price < average * (1 - EDGE):
            bought = exchange.create_market_buy_order(SYMBOL, QTY)
            held = {"position_id": bought["trades"][0]["info"]["position_id"]}
        elif held is not None and price > average:
            exchange.close_position(SYMBOL, params=held)
            held = None
    if held is not None:
        exchange.close_position(SYMBOL, params=held)


def tell(exchange: OmsCcxtExchange) -> None:
    """Orders, deals, positions and profit as the gateway keeps them."""
    orders = exchange.fetch_closed_orders(SYMBOL, limit=1000)
    deals = exchange.fetch_my_trades(SYMBOL, limit=1000)
    closed = exchange.fetch_positions(None, {"history": True, "page_size": 1000})
    print(f"{len(orders)} orders, {len(deals)} deals, {len(closed)} positions closed")
    for deal in deals[:4]:
        pnl, fee = deal["info"]["pnl"], deal["fee"]["cost"]
        print(f"  deal: {deal['side']} {deal['amount']} at {deal['price']}, pnl {pnl}, fee {fee}")
    for position in closed[:2]:
        told = position["info"]
        way = f"{told['avg_price']} to {told['close_price']}"
        print(f"  position: {told['side']} {told['max_qty']}, {way}: {told['realized_pnl']}")
    won = sum(Decimal(deal["info"]["pnl"]) for deal in deals)
    paid = sum(Decimal(deal["fee"]["cost"]) for deal in deals)
    balance = exchange.fetch_balance()["USDT"]["total"]
    print(f"profit {won}, fees {paid}, net {won - paid}; USDT balance {balance}")


def main() -> None:
    first = json.loads(Path("var/first-run.json").read_text(encoding="utf-8"))
    exchange = OmsCcxtExchange(
        api_key=first["api_key"],
        account_id=int(os.environ["OMS_ACCOUNT_ID"]),
        base_url=first["base_url"],
    )
    exchange.number = str
    trade(exchange)
    tell(exchange)
    exchange.close()


if __name__ == "__main__":
    main()
