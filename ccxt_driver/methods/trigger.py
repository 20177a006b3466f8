"""ccxt's methods for orders with conditions: ``create_order`` with additional params.

The gateway decides whether the account's exchange supports the condition.
"""

from collections.abc import Mapping
from typing import Any

from ccxt_driver.methods.trade import TradeMethods
from ccxt_driver.sansio.flow import NO_PARAMS, Params


class TriggerMethods(TradeMethods):
    """``create_…_order`` beyond limit and market."""

    def create_post_only_order(
        self,
        symbol: str,
        type: str,
        side: str,
        amount: Any,
        price: Any = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """An order that is canceled if it would execute immediately."""
        extended = extend_params(params, postOnly=True)
        return self.create_order(symbol, type, side, amount, price, extended)

    def create_reduce_only_order(
        self,
        symbol: str,
        type: str,
        side: str,
        amount: Any,
        price: Any = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """An order that may only reduce a position."""
        extended = extend_params(params, reduceOnly=True)
        return self.create_order(symbol, type, side, amount, price, extended)

    def create_trigger_order(
        self,
        symbol: str,
        type: str,
        side: str,
        amount: Any,
        price: Any = None,
        triggerPrice: Any = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """An order that is triggered by a price."""
        extended = extend_params(params, triggerPrice=triggerPrice)
        return self.create_order(symbol, type, side, amount, price, extended)

    def create_stop_order(
        self,
        symbol: str,
        type: str,
        side: str,
        amount: Any,
        price: Any = None,
        triggerPrice: Any = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Same as ``create_trigger_order``."""
        return self.create_trigger_order(symbol, type, side, amount, price, triggerPrice, params)

    def create_stop_limit_order(
        self,
        symbol: str,
        side: str,
        amount: Any,
        price: Any,
        triggerPrice: Any,
        params: Params = NO_PARAMS,
    ) -> Any:
        """A limit order that is triggered by a price."""
        return self.create_trigger_order(symbol, "limit", side, amount, price, triggerPrice, params)

    def create_stop_market_order(
        self,
        symbol: str,
        side: str,
        amount: Any,
        triggerPrice: Any,
        params: Params = NO_PARAMS,
    ) -> Any:
        """A market order that is triggered by a price."""
        return self.create_trigger_order(symbol, "market", side, amount, None, triggerPrice, params)

    def create_stop_loss_order(
        self,
        symbol: str,
        type: str,
        side: str,
        amount: Any,
        price: Any = None,
        stopLossPrice: Any = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """An order that is triggered by a stop loss price."""
        extended = extend_params(params, stopLossPrice=stopLossPrice)
        return self.create_order(symbol, type, side, amount, price, extended)

    def create_take_profit_order(
        self,
        symbol: str,
        type: str,
        side: str,
        amount: Any,
        price: Any = None,
        takeProfitPrice: Any = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """An order that is triggered by a take profit price."""
        extended = extend_params(params, takeProfitPrice=takeProfitPrice)
        return self.create_order(symbol, type, side, amount, price, extended)

    def create_order_with_take_profit_and_stop_loss(
        self,
        symbol: str,
        type: str,
        side: str,
        amount: Any,
        price: Any = None,
        takeProfit: Any = None,
        stopLoss: Any = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """An order whose position gets both levels, which the gateway monitors."""
        extended = extend_params(params, takeProfit=takeProfit, stopLoss=stopLoss)
        return self.create_order(symbol, type, side, amount, price, extended)

    def create_trailing_amount_order(
        self,
        symbol: str,
        type: str,
        side: str,
        amount: Any,
        price: Any = None,
        trailingAmount: Any = None,
        trailingTriggerPrice: Any = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """An order whose trigger trails the price by an amount."""
        extended = extend_params(
            params, trailingAmount=trailingAmount, triggerPrice=trailingTriggerPrice
        )
        return self.create_order(symbol, type, side, amount, price, extended)

    def create_trailing_percent_order(
        self,
        symbol: str,
        type: str,
        side: str,
        amount: Any,
        price: Any = None,
        trailingPercent: Any = None,
        trailingTriggerPrice: Any = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """An order whose trigger trails the price by a percentage."""
        extended = extend_params(
            params, trailingPercent=trailingPercent, triggerPrice=trailingTriggerPrice
        )
        return self.create_order(symbol, type, side, amount, price, extended)


def extend_params(params: Params | None, **fields: Any) -> Mapping[str, Any]:
    """Returns ``params`` with the fields that are not ``None``."""
    return {**(params or {}), **{key: value for key, value in fields.items() if value is not None}}
