"""A small strategy on replayed prices: buy below the moving average, sell above it.

It needs a running gateway, an account with the price source ``replay``, and the id of the account
in OMS_ACCOUNT_ID; docs/start.md shows how to create one. At speed "max" every read of the ticker
returns the next price of the tape, so that each run is fast and has the same result.
"""

import json
import os
from collections import deque
from decimal import Decimal
from pathlib import Path

from ccxt_driver import OmsCcxtExchange

SYMBOL = "BTC/USDT"
QTY = "0.5"
READS = int(os.environ.get("LOOKS", "590"))
AVERAGE_SIZE = 40
EDGE = Decimal("0.0002")


def trade(exchange: OmsCcxtExchange) -> None:
    """Reads prices and trades; an open position is closed at the end."""
    prices: deque[Decimal] = deque(maxlen=AVERAGE_SIZE)
    position = None
    for _ in range(READS):
        ticker = exchange.fetch_ticker(SYMBOL)
        price = (Decimal(str(ticker["bid"])) + Decimal(str(ticker["ask"]))) / 2
        prices.append(price)
        average = sum(prices) / len(prices)
        if position is None and len(prices) == AVERAGE_SIZE and price < average * (1 - EDGE):
            bought = exchange.create_market_buy_order(SYMBOL, QTY)
            position = {"position_id": bought["trades"][0]["info"]["position_id"]}
        elif position is not None and price > average:
            exchange.close_position(SYMBOL, params=position)
            position = None
    if position is not None:
        exchange.close_position(SYMBOL, params=position)


def print_results(exchange: OmsCcxtExchange) -> None:
    """Prints orders, deals, positions and profit as stored by the gateway."""
    orders = exchange.fetch_closed_orders(SYMBOL, limit=1000)
    deals = exchange.fetch_my_trades(SYMBOL, limit=1000)
    closed = exchange.fetch_positions(None, {"history": True, "page_size": 1000})
    print(f"{len(orders)} orders, {len(deals)} deals, {len(closed)} positions closed")
    for deal in deals[:4]:
        pnl, fee = deal["info"]["pnl"], deal["fee"]["cost"]
        print(f"  deal: {deal['side']} {deal['amount']} at {deal['price']}, pnl {pnl}, fee {fee}")
    for position in closed[:2]:
        row = position["info"]
        prices = f"{row['avg_price']} to {row['close_price']}"
        print(f"  position: {row['side']} {row['max_qty']}, {prices}: {row['realized_pnl']}")
    profit = sum(Decimal(deal["info"]["pnl"]) for deal in deals)
    fees = sum(Decimal(deal["fee"]["cost"]) for deal in deals)
    balance = exchange.fetch_balance()["USDT"]["total"]
    print(f"profit {profit}, fees {fees}, net {profit - fees}; USDT balance {balance}")


def main() -> None:
    first = json.loads(Path("var/first-run.json").read_text(encoding="utf-8"))
    exchange = OmsCcxtExchange(
        api_key=first["api_key"],
        account_id=int(os.environ["OMS_ACCOUNT_ID"]),
        base_url=first["base_url"],
    )
    exchange.number = str
    trade(exchange)
    print_results(exchange)
    exchange.close()


if __name__ == "__main__":
    main()
