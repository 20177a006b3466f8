"""ccxt's methods that read; their requests are built in ``sansio.read_flows``."""

from collections.abc import Sequence
from typing import Any

from ccxt_driver.methods.driver import Driver
from ccxt_driver.naming import keyword_aliases
from ccxt_driver.sansio import read_flows
from ccxt_driver.sansio.flow import NO_PARAMS, Params


class ReadMethods(Driver):
    """Orders, deals, positions and balances of the account."""

    @keyword_aliases(id="order_id")
    def fetch_order(self, id: Any, symbol: str | None = None, params: Params = NO_PARAMS) -> Any:
        """Returns an order. Without one: ``None``, or in the ccxt dialect ``OrderNotFound``."""
        return self._run(read_flows.fetch_order(self._context(), id, symbol, params or NO_PARAMS))

    def fetch_open_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Returns the orders that are not final."""
        flow = read_flows.fetch_open_orders(
            self._context(), symbol, since, limit, params or NO_PARAMS
        )
        return self._run(flow)

    def fetch_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Returns orders of every status, of yesterday and today unless ``params`` has dates."""
        flow = read_flows.fetch_orders(self._context(), symbol, since, limit, params or NO_PARAMS)
        return self._run(flow)

    def fetch_closed_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Same as ``fetch_orders``: the gateway's history contains every status."""
        return self.fetch_orders(symbol, since, limit, params)

    def fetch_canceled_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Returns orders that were canceled or expired."""
        flow = read_flows.fetch_canceled_orders(
            self._context(), symbol, since, limit, params or NO_PARAMS
        )
        return self._run(flow)

    def fetch_my_trades(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Returns deals, of yesterday and today unless ``params`` has dates."""
        flow = read_flows.fetch_my_trades(
            self._context(), symbol, since, limit, params or NO_PARAMS
        )
        return self._run(flow)

    @keyword_aliases(id="order_id")
    def fetch_order_trades(
        self,
        id: Any,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Returns the deals of one order."""
        with_order = {**(params or NO_PARAMS), "order_id": id}
        return self.fetch_my_trades(symbol, since or 0, limit, with_order)

    def fetch_position(self, symbol: str, params: Params = NO_PARAMS) -> Any:
        """Returns the open position of a symbol, the oldest of several; ``None`` without one."""
        return self._run(read_flows.fetch_position(self._context(), symbol, params or NO_PARAMS))

    def fetch_positions(
        self, symbols: Sequence[str] | str | None = None, params: Params = NO_PARAMS
    ) -> Any:
        """Returns open positions; with ``history`` in ``params`` those of any state."""
        return self._run(read_flows.fetch_positions(self._context(), symbols, params or NO_PARAMS))

    def fetch_balance(self, params: Params = NO_PARAMS) -> Any:
        """Returns the exchange's balance."""
        return self._run(read_flows.fetch_balance(self._context(), params or NO_PARAMS))

    def fetch_ticker(self, symbol: str, params: Params = NO_PARAMS) -> Any:
        """Returns the exchange's ticker."""
        flow = read_flows.fetch_market(
            self._context(), "fetch_ticker", [symbol], params or NO_PARAMS
        )
        return self._run(flow)
