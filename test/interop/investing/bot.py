"""A bot of the investing algorithm framework: buys two symbols at limits, sells them at market.

Run in an environment of its own, in an empty folder.
"""

import json
import os
from typing import Any, ClassVar

import ccxt
from investing_algorithm_framework import (
    RESOURCE_DIRECTORY,
    Context,
    DataSource,
    OrderSide,
    OrderType,
    TimeUnit,
    TradingStrategy,
    create_app,
)

MARKET = "BINANCE"
AMOUNTS = {"BTC": 0.0123, "ETH": 0.271}
ITERATIONS = 75
"""Of the framework's loop, of a second each: the strategy runs in the first, and a minute later."""


class RoundTrips(TradingStrategy):
    """Buys each symbol above the price, and sells it in the next round."""

    algorithm_id = "round-trips"
    time_unit = TimeUnit.MINUTE
    interval = 1
    symbols: ClassVar = list(AMOUNTS)
    data_sources: ClassVar = [
        DataSource(
            identifier=symbol,
            market=MARKET,
            symbol=f"{symbol}/USDT",
            data_type="OHLCV",
            time_frame="1m",
            warmup_window=20,
            pandas=True,
        )
        for symbol in AMOUNTS
    ]
    rounds = 0

    def run_strategy(self, context: Context, data: dict[str, Any]) -> None:
        step = self.rounds
        self.rounds += 1
        for symbol, amount in AMOUNTS.items():
            price = float(data[symbol]["Close"].iloc[-1])
            if step == 0:
                context.create_limit_order(
                    target_symbol=symbol,
                    price=price * 1.01,
                    order_side=OrderSide.BUY,
                    amount=amount,
                )
            elif step == 1:
                context.create_order(
                    target_symbol=symbol,
                    price=price,
                    order_type=OrderType.MARKET,
                    order_side=OrderSide.SELL,
                    amount=amount,
                )


app = create_app(name="interop", config={RESOURCE_DIRECTORY: os.getcwd()})
app.add_market(
    market=MARKET,
    trading_symbol="USDT",
    api_key=os.environ["CCXT_OMS_API_KEY"],
    secret_key="unused",
    initial_balance=5000,
)
app.add_strategy(RoundTrips)
app.run(number_of_iterations=ITERATIONS)
# The framework keeps neither price nor fee of an execution: both are read as it reads orders.
exchange = getattr(ccxt, MARKET.lower())({"apiKey": os.environ["CCXT_OMS_API_KEY"]})
read = {
    order.get_external_id(): exchange.fetch_order(order.get_external_id(), order.get_symbol())
    for order in app.context.get_orders()
}
orders = [
    {
        "id": order.get_external_id(),
        "symbol": order.get_symbol(),
        "side": order.get_order_side(),
        "type": order.get_order_type(),
        "amount": order.get_amount(),
        "filled": order.get_filled(),
        "price": order.get_price(),
        "average": read[order.get_external_id()]["average"],
        "cost": read[order.get_external_id()]["cost"],
        "fee": read[order.get_external_id()]["fee"],
        "status": order.get_status(),
    }
    for order in app.context.get_orders()
]
positions = {each.symbol: each.amount for each in app.context.get_positions()}
print(json.dumps({"orders": orders, "positions": positions}))
