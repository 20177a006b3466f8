"""The methods of every driver class, in ccxt's names. A subclass says how a plan is carried out.

Nothing here talks to the gateway, and nothing goes around it: a name that trades is one of these
methods, or it is refused. Any other name is a call of the same name on the account's exchange.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Any, NoReturn

from ccxt_driver import reading, trading
from ccxt_driver.config import Config
from ccxt_driver.describe import HAS, OMS_ID, OMS_NAME, description, overlaid
from ccxt_driver.errors import own_error
from ccxt_driver.names import CamelCaseTwins, also_called, is_trading, snake_case
from ccxt_driver.plans import Params, Plan, Terms
from ccxt_driver.structures import Shapes

NO_PARAMS: Params = MappingProxyType({})


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


class OmsMethods(CamelCaseTwins):
    """ccxt's methods over the gateway; each exists in camelCase too."""

    id = OMS_ID
    name = OMS_NAME
    #: Makes a value of the decimal text of amounts and prices; ``str`` keeps them exact.
    number: Any = float
    own_has: Mapping[str, bool] = HAS

    def __init__(self, config: Config) -> None:
        self.account_id = config.account_id
        self.strategy_id = config.strategy_id
        self.base_url = config.base_url
        self.timeout_seconds = config.timeout_seconds
        self.dialect = config.dialect
        self.options = dict(config.options)
        self.has: dict[str, Any] = dict(self.own_has)
        self._remote: Mapping[str, Any] | None = None
        self._clock = utc_now

    def __repr__(self) -> str:
        return f"{type(self).__name__}(account_id={self.account_id}, base_url={self.base_url!r})"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return partial(self._refuse if is_trading(name) else self.call_ccxt, name)

    def _run(self, plan: Plan[Any]) -> Any:
        """Carry out a plan; its result, or an awaitable of it."""
        raise NotImplementedError

    @also_called(type="order_type")
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
        plan = trading.create_order(
            self._terms(), symbol, type, side, amount, price, params or NO_PARAMS
        )
        return self._run(plan)

    def create_orders(self, orders: Sequence[Mapping[str, Any]], params: Params = NO_PARAMS) -> Any:
        """Send several orders, each a mapping of ``create_order``'s arguments, in one request."""
        return self._run(trading.create_orders(self._terms(), orders, params or NO_PARAMS))

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

    @also_called(id="order_id", type="order_type")
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
        plan = trading.edit_order(
            self._terms(), id, symbol, type, side, amount, price, params or NO_PARAMS
        )
        return self._run(plan)

    @also_called(id="order_id")
    def cancel_order(self, id: Any, symbol: str | None = None, params: Params = NO_PARAMS) -> Any:
        """Cancel an order."""
        return self._run(trading.cancel_order(self._terms(), id, symbol, params or NO_PARAMS))

    @also_called(ids="order_ids")
    def cancel_orders(
        self, ids: Sequence[Any], symbol: str | None = None, params: Params = NO_PARAMS
    ) -> Any:
        """Cancel several orders in one request."""
        return self._run(trading.cancel_orders(self._terms(), ids, symbol, params or NO_PARAMS))

    def cancel_all_orders(self, symbol: str | None = None, params: Params = NO_PARAMS) -> Any:
        """Cancel all open orders of this object's strategy; of the account, if it has none."""
        return self._run(trading.cancel_all_orders(self._terms(), symbol, params or NO_PARAMS))

    def close_position(
        self, symbol: str | None = None, side: str | None = None, params: Params = NO_PARAMS
    ) -> Any:
        """Close the position ``params["position_id"]``; ``amount`` in ``params`` closes a part."""
        return self._run(trading.close_position(self._terms(), symbol, side, params or NO_PARAMS))

    @also_called(id="order_id")
    def fetch_order(self, id: Any, symbol: str | None = None, params: Params = NO_PARAMS) -> Any:
        """An order. If there is none: ``None``, or in the ccxt dialect ``OrderNotFound``."""
        return self._run(reading.fetch_order(self._terms(), id, symbol, params or NO_PARAMS))

    def fetch_open_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Orders that are not final."""
        plan = reading.fetch_open_orders(self._terms(), symbol, since, limit, params or NO_PARAMS)
        return self._run(plan)

    def fetch_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Orders of every status, of yesterday and today unless ``params`` holds dates."""
        plan = reading.fetch_orders(self._terms(), symbol, since, limit, params or NO_PARAMS)
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
        plan = reading.fetch_canceled_orders(
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
        plan = reading.fetch_my_trades(self._terms(), symbol, since, limit, params or NO_PARAMS)
        return self._run(plan)

    def fetch_positions(
        self, symbols: Sequence[str] | str | None = None, params: Params = NO_PARAMS
    ) -> Any:
        """Open positions; with ``history`` in ``params`` those of any state."""
        return self._run(reading.fetch_positions(self._terms(), symbols, params or NO_PARAMS))

    def fetch_balance(self, params: Params = NO_PARAMS) -> Any:
        """The exchange's balance."""
        return self._run(reading.fetch_balance(self._terms(), params or NO_PARAMS))

    def fetch_ticker(self, symbol: str, params: Params = NO_PARAMS) -> Any:
        """The exchange's ticker."""
        return self._fetch_market("fetch_ticker", [symbol], params)

    def fetch_order_book(
        self, symbol: str, limit: int | None = None, params: Params = NO_PARAMS
    ) -> Any:
        """The exchange's order book."""
        args = [symbol] if limit is None else [symbol, limit]
        return self._fetch_market("fetch_order_book", args, params)

    def call_ccxt(self, func: str, *args: Any, **kwargs: Any) -> Any:
        """Call a ccxt method on the account's exchange; the gateway judges whether it may be."""
        return self._run(reading.call(self._terms(), snake_case(func), args, kwargs))

    def load_has(self, refresh: bool = False) -> Any:
        """What can be done on this account; asked once, then remembered. Sets ``has``."""
        return self._run(self._load_has(refresh))

    def describe(self) -> Any:
        """Id, name, ``has``, and the exchange's timeframes and features."""
        return self._run(self._describe())

    def _load_has(self, refresh: bool) -> Plan[dict[str, Any]]:
        if refresh or self._remote is None:
            told = yield from reading.call(self._terms(), "describe", (), {})
            self._remote = told if isinstance(told, dict) else {}
            self.has = overlaid(self.own_has, self._remote.get("has"), type(self))
        return self.has

    def _describe(self) -> Plan[dict[str, Any]]:
        has = yield from self._load_has(False)
        return description(has, self._remote or {})

    def _fetch_market(self, func: str, args: Sequence[Any], params: Params) -> Any:
        return self._run(reading.fetch_market(self._terms(), func, args, params or NO_PARAMS))

    def _refuse(self, name: str, *args: Any, **kwargs: Any) -> NoReturn:
        message = f"{name} is not supported: it would go around the gateway"
        raise own_error("NotSupported", message, code="not_supported")

    def _terms(self) -> Terms:
        return Terms(
            account_id=self.account_id,
            strategy_id=self.strategy_id,
            timeout_seconds=self.timeout_seconds,
            shapes=Shapes(number=self.number, dialect=self.dialect),
            clock=self._clock,
        )
