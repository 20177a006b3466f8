"""The lifecycle of a resting limit order: placed, read, edited, canceled and read again.

Every step is a command that the gateway stores before it is sent to the exchange; the order keeps
its id. Start a gateway with ``make run``, then run
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

        # With a client order id the order can be found again after a lost response.
        client_order_id = f"example-{uuid.uuid4().hex[:12]}"
        params = {"clientOrderId": client_order_id, "comment": "example"}
        order = exchange.create_order(SYMBOL, "limit", "buy", amount, price, params)
        print(f"order {order['id']} ({order['clientOrderId']}) is {order['status']} at {price}")

        again = exchange.create_order(SYMBOL, "limit", "buy", amount, price, params)
        assert again["id"] == order["id"], "the same client order id is the same order"

        lower = exchange.price_to_precision(SYMBOL, far_below * 0.99)
        edited = exchange.edit_order(order["id"], SYMBOL, "limit", "buy", None, lower)
        assert edited["id"] == order["id"]
        print(f"order {edited['id']} rests at {edited['price']}")

        open_ids = [each["id"] for each in exchange.fetch_open_orders(SYMBOL)]
        assert order["id"] in open_ids

        canceled = exchange.cancel_order(order["id"], SYMBOL)
        print(f"order {canceled['id']} is {canceled['status']}")
        try:
            exchange.cancel_order(order["id"], SYMBOL)
        except ccxt.InvalidOrder as error:
            print(f"refused as expected: {error}")
        print(f"status at the gateway: {exchange.fetch_order(order['id'])['status']}")


if __name__ == "__main__":
    main()
