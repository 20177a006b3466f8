"""The methods that trade, in ccxt's names; what each asks stands in ``trading``.

A method whose name is none of these, but that would trade, is refused by ``driver``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ccxt_driver.methods.driver import Driver
from ccxt_driver.naming import keyword_aliases
from ccxt_driver.sansio import trade_flows
from ccxt_driver.sansio.flow import NO_PARAMS, Params


class TradeMethods(Driver):
    """Orders and positions: make, change, end. Each sends exactly one request."""

    @keyword_aliases(type="order_type")
    def create_order(
        self,
        symbol: str,
        type: str,
        side: str,
        amount: Any,
        price: Any = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Send an order and wait for its outcome, ten seconds unless ``wait_ms`` says else.

        ``params``: ``strategy_id``, ``position_id``, ``client_order_id``, ``post_only``,
        ``reduce_only``, ``time_in_force``, ``stop_loss``, ``stop_gain``, ``comment``, ``wait_ms``,
        ccxt's conditional prices; everything else goes to the exchange.
        """
        plan = trade_flows.create_order(
            self._terms(), symbol, type, side, amount, price, params or NO_PARAMS
        )
        return self._run(plan)

    def create_orders(self, orders: Sequence[Mapping[str, Any]], params: Params = NO_PARAMS) -> Any:
        """Send several orders, each a mapping of ``create_order``'s arguments, in one request."""
        return self._run(trade_flows.create_orders(self._terms(), orders, params or NO_PARAMS))

    def create_limit_order(
        self, symbol: str, side: str, amount: Any, price: Any, params: Params = NO_PARAMS
    ) -> Any:
        """``create_order`` of type limit."""
        return self.create_order(symbol, "limit", side, amount, price, params)

    def create_limit_buy_order(
        self, symbol: str, amount: Any, price: Any, params: Params = NO_PARAMS
    ) -> Any:
        """``create_order`` of type limit, side buy."""
        return self.create_order(symbol, "limit", "buy", amount, price, params)

    def create_limit_sell_order(
        self, symbol: str, amount: Any, price: Any, params: Params = NO_PARAMS
    ) -> Any:
        """``create_order`` of type limit, side sell."""
        return self.create_order(symbol, "limit", "sell", amount, price, params)

    def create_market_order(
        self, symbol: str, side: str, amount: Any, price: Any = None, params: Params = NO_PARAMS
    ) -> Any:
        """``create_order`` of type market."""
        return self.create_order(symbol, "market", side, amount, price, params)

    def create_market_buy_order(self, symbol: str, amount: Any, params: Params = NO_PARAMS) -> Any:
        """``create_order`` of type market, side buy."""
        return self.create_order(symbol, "market", "buy", amount, None, params)

    def create_market_sell_order(self, symbol: str, amount: Any, params: Params = NO_PARAMS) -> Any:
        """``create_order`` of type market, side sell."""
        return self.create_order(symbol, "market", "sell", amount, None, params)

    @keyword_aliases(id="order_id", type="order_type")
    def edit_order(
        self,
        id: Any,
        symbol: str | None = None,
        type: str | None = None,
        side: str | None = None,
        amount: Any = None,
        price: Any = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Change amount, price or both; what is not given keeps its value, and so does the id."""
        plan = trade_flows.edit_order(
            self._terms(), id, symbol, type, side, amount, price, params or NO_PARAMS
        )
        return self._run(plan)

    @keyword_aliases(id="order_id")
    def cancel_order(self, id: Any, symbol: str | None = None, params: Params = NO_PARAMS) -> Any:
        """Cancel an order."""
        return self._run(trade_flows.cancel_order(self._terms(), id, symbol, params or NO_PARAMS))

    @keyword_aliases(ids="order_ids")
    def cancel_orders(
        self, ids: Sequence[Any], symbol: str | None = None, params: Params = NO_PARAMS
    ) -> Any:
        """Cancel several orders in one request."""
        return self._run(trade_flows.cancel_orders(self._terms(), ids, symbol, params or NO_PARAMS))

    def cancel_all_orders(self, symbol: str | None = None, params: Params = NO_PARAMS) -> Any:
        """Cancel all open orders of this object's strategy; of the account, if it has none."""
        return self._run(trade_flows.cancel_all_orders(self._terms(), symbol, params or NO_PARAMS))

    def close_position(
        self, symbol: str | None = None, side: str | None = None, params: Params = NO_PARAMS
    ) -> Any:
        """Close the position ``params["position_id"]``; ``amount`` in ``params`` closes a part."""
        return self._run(
            trade_flows.close_position(self._terms(), symbol, side, params or NO_PARAMS)
        )
