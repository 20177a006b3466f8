"""Methods of the gateway that ccxt does not have; they return the gateway's rows."""

from typing import Any

from ccxt_driver.methods.order_calls import OrderCallMethods
from ccxt_driver.naming import keyword_aliases
from ccxt_driver.sansio import gateway_flows
from ccxt_driver.sansio.flow import NO_PARAMS, Flow, Params
from ccxt_driver.sansio.order_terms import OrderCall


class GatewayMethods(OrderCallMethods):
    """Previews of orders, orders for groups of accounts, price alerts."""

    @keyword_aliases(type="order_type")
    def preview_order(
        self,
        symbol: str,
        type: str,
        side: str,
        amount: Any,
        price: Any = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Returns what ``create_order`` with these arguments would do; nothing is sent.

        Verdict and headroom of every limit, the price that values the order, notional, fee,
        margin, and the positions after it.
        """
        call = _order_call(symbol, type, side, amount, price, params)
        return self._run(self._preview_order(call))

    @keyword_aliases(type="order_type")
    def create_group_order(
        self,
        group_id: int,
        symbol: str,
        type: str,
        side: str,
        amount: Any,
        price: Any = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Sends an order to all accounts of a group, each with its share of ``amount``.

        Returns the result of each account; one that cannot take its part has an ``error``.
        """
        call = _order_call(symbol, type, side, amount, price, params)
        return self._run(self._create_group_order(group_id, call))

    def fetch_account_groups(self) -> Any:
        """Returns the groups of the caller with their members."""
        return self._run(gateway_flows.fetch_account_groups(self._context()))

    def create_price_alert(
        self, symbol: str, condition: str, price: Any, note: str | None = None
    ) -> Any:
        """Creates an alert that fires once ``price`` is reached: above, below or crosses."""
        return self._run(self._create_price_alert(symbol, condition, price, note))

    def fetch_price_alerts(self) -> Any:
        """Returns the alerts of the account that have not fired."""
        return self._run(gateway_flows.fetch_price_alerts(self._context()))

    def cancel_price_alert(self, alert_id: int) -> Any:
        """Deletes an alert that has not fired."""
        return self._run(gateway_flows.cancel_price_alert(self._context(), alert_id))

    def _preview_order(self, call: OrderCall) -> Flow[Any]:
        converted = yield from self._convert_order(call)
        return (yield from gateway_flows.preview_order(self._context(), converted))

    def _create_group_order(self, group_id: int, call: OrderCall) -> Flow[Any]:
        converted = yield from self._convert_order(call)
        return (yield from gateway_flows.create_group_order(self._context(), group_id, converted))

    def _create_price_alert(
        self, symbol: str, condition: str, price: Any, note: str | None
    ) -> Flow[Any]:
        resolved = yield from self._resolve(symbol)
        flow = gateway_flows.create_price_alert(self._context(), resolved, condition, price, note)
        return (yield from flow)


def _order_call(
    symbol: str, type: str, side: str, amount: Any, price: Any, params: Params
) -> OrderCall:
    return OrderCall(
        symbol=symbol,
        type=type,
        side=side,
        amount=amount,
        price=price,
        params=params or NO_PARAMS,
    )
