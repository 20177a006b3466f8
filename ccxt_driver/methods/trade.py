"""ccxt's methods that trade; their requests are built in ``sansio.trade_flows``.

Other method names that would trade are refused by ``methods.driver``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ccxt_driver.methods.order_calls import OrderCallMethods
from ccxt_driver.naming import keyword_aliases
from ccxt_driver.sansio import read_flows, trade_flows
from ccxt_driver.sansio.flow import NO_PARAMS, Flow, Params
from ccxt_driver.sansio.order_terms import OrderCall
from ccxt_driver.structures import CCXT, Structure


class TradeMethods(OrderCallMethods):
    """Creates, changes and cancels orders, closes positions; each sends one trading request.

    In the ccxt dialect reads may precede it: of the markets, of a ticker for orders by cost, of
    the open orders for a client order id.
    """

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
        call = OrderCall(
            symbol=symbol,
            type=type,
            side=side,
            amount=amount,
            price=price,
            params=params or NO_PARAMS,
        )
        return self._run(self._create_order(call))

    def create_orders(self, orders: Sequence[Mapping[str, Any]], params: Params = NO_PARAMS) -> Any:
        """Sends several orders, each a mapping of ``create_order``'s arguments, in one request."""
        return self._run(self._create_orders(orders, params or NO_PARAMS))

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
        """Changes amount, price or both; the order keeps its id and other fields.

        The ccxt dialect requires ``symbol``.
        """
        flow = self._edit_order(id, symbol, type, side, amount, price, params or NO_PARAMS)
        return self._run(flow)

    @keyword_aliases(id="order_id")
    def cancel_order(self, id: Any, symbol: str | None = None, params: Params = NO_PARAMS) -> Any:
        """Cancels an order; without ``id`` the open one with ``clientOrderId`` of ``params``."""
        return self._run(self._cancel_order(id, symbol, params or NO_PARAMS))

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
        return self._run(self._cancel_all_orders(symbol, params or NO_PARAMS))

    def close_position(
        self, symbol: str | None = None, side: str | None = None, params: Params = NO_PARAMS
    ) -> Any:
        """Closes the position ``params["position_id"]``; ``amount`` in ``params`` closes a part.

        In the ccxt dialect the amount is in contracts, which requires ``symbol``.
        """
        return self._run(self._close_position(symbol, side, params or NO_PARAMS))

    def _create_order(self, call: OrderCall) -> Flow[Structure]:
        converted = yield from self._convert_order(call)
        order = yield from trade_flows.create_order(self._context(), converted)
        is_awaited = converted.type == "market" and call.params.get("wait_ms") is None
        if is_awaited and self.dialect == CCXT:
            order = yield from read_flows.await_fill(self._context(), order)
        return order

    def _create_orders(
        self, orders: Sequence[Mapping[str, Any]], params: Params
    ) -> Flow[list[Structure]]:
        calls = []
        for order in orders:
            call = OrderCall(
                symbol=order["symbol"],
                type=order.get("type", order.get("order_type", "")),
                side=order["side"],
                amount=order.get("amount", order.get("qty")),
                price=order.get("price"),
                params={**params, **(order.get("params") or {})},
            )
            calls.append((yield from self._convert_order(call)))
        return (yield from trade_flows.create_orders(self._context(), calls, params))

    def _edit_order(
        self,
        id: Any,
        symbol: str | None,
        type: str | None,
        side: str | None,
        amount: Any,
        price: Any,
        params: Params,
    ) -> Flow[Structure]:
        self._check_edit_params(params)
        yield from self._check_sandbox()
        symbol = yield from self._resolve(symbol)
        qty, limit, expected = yield from self._convert_edit(
            symbol, type, side, amount, price, params
        )
        order_id = yield from self._find_order_id(id, symbol, params)
        return (
            yield from trade_flows.edit_order(
                self._context(), order_id, symbol, type, side, qty, limit, params, expected
            )
        )

    def _cancel_order(self, id: Any, symbol: str | None, params: Params) -> Flow[Structure]:
        order_id = yield from self._find_order_id(id, symbol, params)
        return (yield from trade_flows.cancel_order(self._context(), order_id, symbol, params))

    def _cancel_all_orders(self, symbol: str | None, params: Params) -> Flow[list[Structure]]:
        resolved = yield from self._resolve(symbol)
        return (yield from trade_flows.cancel_all_orders(self._context(), resolved, params))

    def _close_position(
        self, symbol: str | None, side: str | None, params: Params
    ) -> Flow[Structure]:
        yield from self._check_sandbox()
        converted = yield from self._convert_close(symbol, params)
        return (yield from trade_flows.close_position(self._context(), symbol, side, converted))
