"""The life of a resting limit order: placed, looked up, edited, canceled, and told of afterwards.

Every step is a command that the gateway records before the exchange sees it; the order keeps its
id throughout. Start a gateway with ``make run``, then run
``.venv/bin/python examples/order_flow.py``.
"""

import uuid

import ccxt
from first_run import config

from ccxt_driver import OmsCcxtExchange

SYMBOL = "BTC/USDT"


def main() -> None:
    with OmsCcxtExchange(config()) as exchange:
        exchange.load_markets()
        far_below = exchange.fetch_ticker(SYMBOL)["last"] * 0.8
        price = exchange.price_to_precision(SYMBOL, far_below)
        amount = exchange.amount_to_precision(SYMBOL, 0.0123456789)

        # A name of our own: if an answer is lost, it tells which order was meant.
        name = f"example-{uuid.uuid4().hex[:12]}"
        params = {"clientOrderId": name, "comment": "example"}
        order = exchange.create_order(SYMBOL, "limit", "buy", amount, price, params)
        print(f"order {order['id']} ({order['clientOrderId']}) is {order['status']} at {price}")

        again = exchange.create_order(SYMBOL, "limit", "buy", amount, price, params)
        assert again["id"] == order["id"], "the same name, the same order: nothing is sent twice"

        lower = exchange.price_to_precision(SYMBOL, far_below * 0.99)
        edited = exchange.edit_order(order["id"], SYMBOL, "limit", "buy", None, lower)
        assert edited["id"] == order["id"]
        print(f"order {edited['id']} rests at {edited['price']}")

        mine = [one["id"] for one in exchange.fetch_open_orders(SYMBOL)]
        assert order["id"] in mine

        canceled = exchange.cancel_order(order["id"], SYMBOL)
        print(f"order {canceled['id']} is {canceled['status']}")
        try:
            exchange.cancel_order(order["id"], SYMBOL)
        except ccxt.InvalidOrder as refused:
            print(f"as it should be: {refused}")
        print(f"the gateway remembers: {exchange.fetch_order(order['id'])['status']}")


if __name__ == "__main__":
    main()
