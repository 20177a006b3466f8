"""The methods that read orders, deals, positions and balances; what each asks: ``reading``."""

from collections.abc import Sequence
from typing import Any

from ccxt_driver.methods.driver import Driver
from ccxt_driver.naming import keyword_aliases
from ccxt_driver.sansio import read_flows
from ccxt_driver.sansio.flow import NO_PARAMS, Params


class ReadMethods(Driver):
    """What the gateway has recorded of the account."""

    @keyword_aliases(id="order_id")
    def fetch_order(self, id: Any, symbol: str | None = None, params: Params = NO_PARAMS) -> Any:
        """An order. If there is none: ``None``, or in the ccxt dialect ``OrderNotFound``."""
        return self._run(read_flows.fetch_order(self._terms(), id, symbol, params or NO_PARAMS))

    def fetch_open_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Orders that are not final."""
        plan = read_flows.fetch_open_orders(
            self._terms(), symbol, since, limit, params or NO_PARAMS
        )
        return self._run(plan)

    def fetch_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Orders of every status, of yesterday and today unless ``params`` holds dates."""
        plan = read_flows.fetch_orders(self._terms(), symbol, since, limit, params or NO_PARAMS)
        return self._run(plan)

    def fetch_closed_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """The same as ``fetch_orders``: the gateway's history holds every status."""
        return self.fetch_orders(symbol, since, limit, params)

    def fetch_canceled_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Orders that were canceled or expired."""
        plan = read_flows.fetch_canceled_orders(
            self._terms(), symbol, since, limit, params or NO_PARAMS
        )
        return self._run(plan)

    def fetch_my_trades(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Deals, of yesterday and today unless ``params`` holds dates."""
        plan = read_flows.fetch_my_trades(self._terms(), symbol, since, limit, params or NO_PARAMS)
        return self._run(plan)

    @keyword_aliases(id="order_id")
    def fetch_order_trades(
        self,
        id: Any,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """The deals of one order."""
        told = {**(params or NO_PARAMS), "order_id": id}
        return self.fetch_my_trades(symbol, since or 0, limit, told)

    def fetch_position(self, symbol: str, params: Params = NO_PARAMS) -> Any:
        """The open position of a symbol, the oldest if there are several; ``None`` if none."""
        return self._run(read_flows.fetch_position(self._terms(), symbol, params or NO_PARAMS))

    def fetch_positions(
        self, symbols: Sequence[str] | str | None = None, params: Params = NO_PARAMS
    ) -> Any:
        """Open positions; with ``history`` in ``params`` those of any state."""
        return self._run(read_flows.fetch_positions(self._terms(), symbols, params or NO_PARAMS))

    def fetch_balance(self, params: Params = NO_PARAMS) -> Any:
        """The exchange's balance."""
        return self._run(read_flows.fetch_balance(self._terms(), params or NO_PARAMS))

    def fetch_ticker(self, symbol: str, params: Params = NO_PARAMS) -> Any:
        """The exchange's ticker."""
        plan = read_flows.fetch_market(self._terms(), "fetch_ticker", [symbol], params or NO_PARAMS)
        return self._run(plan)
