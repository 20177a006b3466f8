"""Trade through a running gateway in ccxt's words: an order, a resting one, a position closed.

Start a gateway with ``make run``, then run ``.venv/bin/python examples/basic_usage.py``. Address
and key come from OMS_BASE_URL, OMS_API_KEY and OMS_ACCOUNT_ID, else from the
``var/first-run.json`` that the first ``make run`` writes.
"""

import json
import os
from pathlib import Path

import ccxt

from ccxt_driver import OmsCcxtExchange

FIRST_RUN = Path("var/first-run.json")


def main() -> None:
    told = json.loads(FIRST_RUN.read_text(encoding="utf-8")) if FIRST_RUN.exists() else {}
    symbol = told.get("symbol", "BTC/USDT")
    exchange = OmsCcxtExchange(
        api_key=os.environ.get("OMS_API_KEY") or told["api_key"],
        account_id=os.environ.get("OMS_ACCOUNT_ID") or told["account_id"],
        base_url=os.environ.get("OMS_BASE_URL") or told["base_url"],
    )
    last = exchange.fetch_ticker(symbol)["last"]
    print(f"{symbol} is at {last}")

    bought = exchange.create_market_buy_order(symbol, 0.01)
    print(f"order {bought['id']} is {bought['status']} at {bought['average']}")

    resting = exchange.create_limit_buy_order(symbol, 0.01, round(last * 0.9, 2))
    resting = exchange.edit_order(resting["id"], symbol, "limit", "buy", price=round(last * 0.8, 2))
    print(f"order {resting['id']} rests at {resting['price']}")
    print(f"order {resting['id']} is {exchange.cancel_order(resting['id'])['status']}")

    for trade in exchange.fetch_my_trades(symbol, limit=3):
        print(f"deal {trade['id']}: {trade['side']} {trade['amount']} at {trade['price']}")

    position_id = bought["trades"][0]["info"]["position_id"]
    closed = exchange.close_position(symbol, params={"position_id": position_id})
    print(f"position {position_id} closed at {closed['average']}")

    try:
        exchange.create_limit_buy_order(symbol, 1_000_000, round(last * 0.9, 2))
    except ccxt.InsufficientFunds as refused:
        print(f"as it should be: {refused}")
    exchange.close()


if __name__ == "__main__":
    main()
