"""ccxt's own names for orders with a condition: each is ``create_order`` with something in params.

Whether an account's exchange takes the condition is judged by the gateway.
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
        """An order that is canceled rather than taken at once."""
        told = _with(params, postOnly=True)
        return self.create_order(symbol, type, side, amount, price, told)

    def create_reduce_only_order(
        self,
        symbol: str,
        type: str,
        side: str,
        amount: Any,
        price: Any = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """An order that may only make a position smaller."""
        told = _with(params, reduceOnly=True)
        return self.create_order(symbol, type, side, amount, price, told)

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
        """An order that waits for a price."""
        told = _with(params, triggerPrice=triggerPrice)
        return self.create_order(symbol, type, side, amount, price, told)

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
        """The same as ``create_trigger_order``."""
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
        """A limit order that waits for a price."""
        return self.create_trigger_order(symbol, "limit", side, amount, price, triggerPrice, params)

    def create_stop_market_order(
        self,
        symbol: str,
        side: str,
        amount: Any,
        triggerPrice: Any,
        params: Params = NO_PARAMS,
    ) -> Any:
        """A market order that waits for a price."""
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
        """An order that waits for a worse price."""
        told = _with(params, stopLossPrice=stopLossPrice)
        return self.create_order(symbol, type, side, amount, price, told)

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
        """An order that waits for a better price."""
        told = _with(params, takeProfitPrice=takeProfitPrice)
        return self.create_order(symbol, type, side, amount, price, told)

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
        """An order whose position gets both levels; the gateway watches them."""
        told = _with(params, takeProfit=takeProfit, stopLoss=stopLoss)
        return self.create_order(symbol, type, side, amount, price, told)

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
        """An order whose trigger follows the price at a distance."""
        told = _with(params, trailingAmount=trailingAmount, triggerPrice=trailingTriggerPrice)
        return self.create_order(symbol, type, side, amount, price, told)

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
        """An order whose trigger follows the price at a distance in percent."""
        told = _with(params, trailingPercent=trailingPercent, triggerPrice=trailingTriggerPrice)
        return self.create_order(symbol, type, side, amount, price, told)


def _with(params: Params | None, **told: Any) -> Mapping[str, Any]:
    """``params`` and what the method's name says; ``None`` says nothing."""
    return {**(params or {}), **{key: value for key, value in told.items() if value is not None}}
