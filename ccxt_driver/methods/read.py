"""ccxt's methods that read; their requests are built in ``sansio.read_flows``."""

from collections.abc import Callable, Sequence
from typing import Any

from ccxt_driver.errors import refuse_parameter
from ccxt_driver.methods.order_calls import OrderCallMethods, client_id_of
from ccxt_driver.naming import keyword_aliases
from ccxt_driver.sansio import read_flows
from ccxt_driver.sansio.flow import NO_PARAMS, CallContext, Flow, Params
from ccxt_driver.sansio.market_types import params_of_type
from ccxt_driver.structures import CCXT, Structure

ListRead = Callable[
    [CallContext, str | None, int | None, int | None, Params], Flow[list[Structure]]
]


class ReadMethods(OrderCallMethods):
    """Orders, deals, positions and balances of the account."""

    @keyword_aliases(id="order_id")
    def fetch_order(self, id: Any, symbol: str | None = None, params: Params = NO_PARAMS) -> Any:
        """Returns an order. Without one: ``None``, or in the ccxt dialect ``OrderNotFound``.

        ``id`` may be a client order id; without ``id`` it is that of ``params``.
        """
        client_id = client_id_of(params or NO_PARAMS)
        if id in (None, "") and client_id is not None:
            return self.fetch_order_with_client_order_id(client_id, symbol)
        return self._run(
            self._read_one(
                lambda context: read_flows.fetch_order(context, id, symbol, params or NO_PARAMS)
            )
        )

    def fetch_order_with_client_order_id(
        self, clientOrderId: str, symbol: str | None = None, params: Params = NO_PARAMS
    ) -> Any:
        """Returns the order with that client order id, as ``fetch_order``."""
        return self._run(
            self._read_one(
                lambda context: read_flows.fetch_order_by_client_id(context, clientOrderId, symbol)
            )
        )

    def fetch_open_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Returns the orders that are not final."""
        return self._run(self._read(read_flows.fetch_open_orders, symbol, since, limit, params))

    def fetch_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Returns orders of every status, of yesterday and today unless ``params`` has dates."""
        return self._run(self._read(read_flows.fetch_orders, symbol, since, limit, params))

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
        return self._run(self._read(read_flows.fetch_canceled_orders, symbol, since, limit, params))

    def fetch_my_trades(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Returns deals, of yesterday and today unless ``params`` has dates."""
        return self._run(self._read(read_flows.fetch_my_trades, symbol, since, limit, params))

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
        return self._run(
            self._read_one(
                lambda context: read_flows.fetch_position(context, symbol, params or NO_PARAMS)
            )
        )

    def fetch_positions(
        self, symbols: Sequence[str] | str | None = None, params: Params = NO_PARAMS
    ) -> Any:
        """Returns open positions; with ``history`` in ``params`` those of any state."""
        return self._run(
            self._read_one(
                lambda context: read_flows.fetch_positions(context, symbols, params or NO_PARAMS)
            )
        )

    def fetch_balance(self, params: Params = NO_PARAMS) -> Any:
        """Returns the exchange's balance; in the ccxt dialect of the wallet of ``defaultType``."""
        typed = params_of_type(params or NO_PARAMS, self._chosen_type)
        return self._run(read_flows.fetch_balance(self._context(), typed))

    def fetch_ticker(self, symbol: str, params: Params = NO_PARAMS) -> Any:
        """Returns the exchange's ticker."""
        return self._run(self._read_market("fetch_ticker", [symbol], params))

    def _read(
        self,
        read: ListRead,
        symbol: str | None,
        since: int | None,
        limit: int | None,
        params: Params | None,
    ) -> Flow[list[Structure]]:
        """Reads a list of the gateway; a parameter without effect is refused by its name."""
        params = params or NO_PARAMS
        if self.dialect == CCXT:
            for name in sorted(params.keys() - read_flows.LIST_PARAMS):
                if params[name] is not None:
                    refuse_parameter(name, "the rows come from the gateway")
        resolved = yield from self._resolve(symbol)
        rows = yield from read(self._context(), resolved, since, limit, params)
        if not self._lacks_sizes(rows):
            return rows
        yield from self._load_for_symbols()
        return (yield from read(self._context(), resolved, since, limit, params))

    def _read_one(self, read: Callable[[CallContext], Flow[Any]]) -> Flow[Any]:
        """Reads once more if the sizes of contracts were missing."""
        result = yield from read(self._context())
        structures = result if isinstance(result, list) else [result or {}]
        if not self._lacks_sizes(structures):
            return result
        yield from self._load_for_symbols()
        return (yield from read(self._context()))
