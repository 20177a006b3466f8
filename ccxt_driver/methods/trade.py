"""ccxt's methods that trade; their requests are built in ``sansio.trade_flows``.

Other method names that would trade are refused by ``methods.driver``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ccxt_driver.methods.driver import Driver
from ccxt_driver.naming import keyword_aliases
from ccxt_driver.sansio import trade_flows
from ccxt_driver.sansio.flow import NO_PARAMS, Params


class TradeMethods(Driver):
    """Creates, changes and cancels orders, closes positions; each sends exactly one request."""

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
        """Sends an order and waits for its outcome, ten seconds unless ``wait_ms`` is given.

        ``params``: ``strategy_id``, ``position_id``, ``client_order_id``, ``post_only``,
        ``reduce_only``, ``time_in_force``, ``stop_loss``, ``stop_gain``, ``comment``, ``wait_ms``,
        ccxt's conditional prices; all others are passed to the exchange.
        """
        flow = trade_flows.create_order(
            self._context(), symbol, type, side, amount, price, params or NO_PARAMS
        )
        return self._run(flow)

    def create_orders(self, orders: Sequence[Mapping[str, Any]], params: Params = NO_PARAMS) -> Any:
        """Sends several orders, each a mapping of ``create_order``'s arguments, in one request."""
        return self._run(trade_flows.create_orders(self._context(), orders, params or NO_PARAMS))

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
        """Changes amount, price or both; the order keeps its id and other fields."""
        flow = trade_flows.edit_order(
            self._context(), id, symbol, type, side, amount, price, params or NO_PARAMS
        )
        return self._run(flow)

    @keyword_aliases(id="order_id")
    def cancel_order(self, id: Any, symbol: str | None = None, params: Params = NO_PARAMS) -> Any:
        """Cancels an order."""
        return self._run(trade_flows.cancel_order(self._context(), id, symbol, params or NO_PARAMS))

    @keyword_aliases(ids="order_ids")
    def cancel_orders(
        self, ids: Sequence[Any], symbol: str | None = None, params: Params = NO_PARAMS
    ) -> Any:
        """Cancels several orders in one request."""
        return self._run(
            trade_flows.cancel_orders(self._context(), ids, symbol, params or NO_PARAMS)
        )

    def cancel_all_orders(self, symbol: str | None = None, params: Params = NO_PARAMS) -> Any:
        """Cancels all open orders of this object's strategy; of the account if it has none."""
        return self._run(
            trade_flows.cancel_all_orders(self._context(), symbol, params or NO_PARAMS)
        )

    def close_position(
        self, symbol: str | None = None, side: str | None = None, params: Params = NO_PARAMS
    ) -> Any:
        """Closes the position ``params["position_id"]``; ``amount`` in ``params`` closes a part."""
        return self._run(
            trade_flows.close_position(self._context(), symbol, side, params or NO_PARAMS)
        )
