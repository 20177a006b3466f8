"""Trading through a running gateway with ccxt's methods: orders, deals and a position.

Start a gateway with ``make run``, then run ``.venv/bin/python examples/basic_usage.py``. Address
and key come from OMS_BASE_URL, OMS_API_KEY and OMS_ACCOUNT_ID, else from the
``var/first-run.json`` that the first ``make run`` writes.
"""

import ccxt
from first_run import config

from ccxt_driver import OmsCcxtExchange

SYMBOL = "BTC/USDT"


def main() -> None:
    exchange = OmsCcxtExchange(config())
    last = exchange.fetch_ticker(SYMBOL)["last"]
    print(f"{SYMBOL} is at {last}")

    bought = exchange.create_market_buy_order(SYMBOL, 0.01)
    print(f"order {bought['id']} is {bought['status']} at {bought['average']}")

    resting = exchange.create_limit_buy_order(SYMBOL, 0.01, round(last * 0.9, 2))
    resting = exchange.edit_order(resting["id"], SYMBOL, "limit", "buy", price=round(last * 0.8, 2))
    print(f"order {resting['id']} rests at {resting['price']}")
    print(f"order {resting['id']} is {exchange.cancel_order(resting['id'])['status']}")

    for trade in exchange.fetch_my_trades(SYMBOL, limit=3):
        print(f"deal {trade['id']}: {trade['side']} {trade['amount']} at {trade['price']}")

    position_id = bought["trades"][0]["info"]["position_id"]
    closed = exchange.close_position(SYMBOL, params={"position_id": position_id})
    print(f"position {position_id} closed at {closed['average']}")

    try:
        exchange.create_limit_buy_order(SYMBOL, 1_000_000, round(last * 0.9, 2))
    except ccxt.InsufficientFunds as error:
        print(f"refused as expected: {error}")
    exchange.close()


if __name__ == "__main__":
    main()
