"""Other names of ccxt for the same calls: by cost, by client order id, and over a WebSocket."""

from typing import Any

from ccxt_driver.methods.order_calls import client_id_params
from ccxt_driver.methods.trigger import TriggerMethods, extend_params
from ccxt_driver.sansio.flow import NO_PARAMS, Params


class VariantMethods(TriggerMethods):
    """Each method calls a method of its base classes."""

    def create_market_order_with_cost(
        self, symbol: str, side: str, cost: Any, params: Params = NO_PARAMS
    ) -> Any:
        """A market order on spot for what ``cost`` buys or sells at the best price."""
        extended = extend_params(params, cost=cost)
        return self.create_order(symbol, "market", side, cost, None, extended)

    def create_market_buy_order_with_cost(
        self, symbol: str, cost: Any, params: Params = NO_PARAMS
    ) -> Any:
        """``create_market_order_with_cost``, side buy."""
        return self.create_market_order_with_cost(symbol, "buy", cost, params)

    def create_market_sell_order_with_cost(
        self, symbol: str, cost: Any, params: Params = NO_PARAMS
    ) -> Any:
        """``create_market_order_with_cost``, side sell."""
        return self.create_market_order_with_cost(symbol, "sell", cost, params)

    def edit_limit_order(
        self,
        id: Any,
        symbol: str,
        side: str,
        amount: Any,
        price: Any = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """``edit_order`` of type limit."""
        return self.edit_order(id, symbol, "limit", side, amount, price, params)

    def edit_limit_buy_order(
        self, id: Any, symbol: str, amount: Any, price: Any = None, params: Params = NO_PARAMS
    ) -> Any:
        """``edit_order`` of type limit, side buy."""
        return self.edit_order(id, symbol, "limit", "buy", amount, price, params)

    def edit_limit_sell_order(
        self, id: Any, symbol: str, amount: Any, price: Any = None, params: Params = NO_PARAMS
    ) -> Any:
        """``edit_order`` of type limit, side sell."""
        return self.edit_order(id, symbol, "limit", "sell", amount, price, params)

    def edit_order_with_client_order_id(
        self,
        clientOrderId: str,
        symbol: str,
        type: str,
        side: str,
        amount: Any = None,
        price: Any = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """``edit_order`` of the open order with that client order id."""
        extended = client_id_params(clientOrderId, params)
        return self.edit_order(None, symbol, type, side, amount, price, extended)

    def cancel_order_with_client_order_id(
        self, clientOrderId: str, symbol: str | None = None, params: Params = NO_PARAMS
    ) -> Any:
        """``cancel_order`` of the open order with that client order id."""
        return self.cancel_order(None, symbol, client_id_params(clientOrderId, params))

    create_order_ws = TriggerMethods.create_order
    create_orders_ws = TriggerMethods.create_orders
    create_limit_order_ws = TriggerMethods.create_limit_order
    create_limit_buy_order_ws = TriggerMethods.create_limit_buy_order
    create_limit_sell_order_ws = TriggerMethods.create_limit_sell_order
    create_market_order_ws = TriggerMethods.create_market_order
    create_market_buy_order_ws = TriggerMethods.create_market_buy_order
    create_market_sell_order_ws = TriggerMethods.create_market_sell_order
    create_post_only_order_ws = TriggerMethods.create_post_only_order
    create_reduce_only_order_ws = TriggerMethods.create_reduce_only_order
    create_stop_order_ws = TriggerMethods.create_stop_order
    create_stop_limit_order_ws = TriggerMethods.create_stop_limit_order
    create_stop_market_order_ws = TriggerMethods.create_stop_market_order
    create_stop_loss_order_ws = TriggerMethods.create_stop_loss_order
    create_take_profit_order_ws = TriggerMethods.create_take_profit_order
    create_trigger_order_ws = TriggerMethods.create_trigger_order
    edit_order_ws = TriggerMethods.edit_order
    cancel_order_ws = TriggerMethods.cancel_order
    cancel_orders_ws = TriggerMethods.cancel_orders
    cancel_all_orders_ws = TriggerMethods.cancel_all_orders
