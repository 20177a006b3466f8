"""The methods about markets: what the exchange tells of them, and rounding to their steps.

Rounding asks the gateway at most once, for the markets.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP
from typing import Any

from ccxt_driver.errors import driver_error
from ccxt_driver.markets import MarketRounding, Markets, round_to_step
from ccxt_driver.methods.driver import Driver
from ccxt_driver.sansio import read_flows
from ccxt_driver.sansio.flow import NO_PARAMS, Flow, Params
from ccxt_driver.structures import CCXT


class MarketMethods(Driver):
    """Markets, and the exchange's own words on prices."""

    def load_markets(self, reload: bool = False, params: Params = NO_PARAMS) -> Any:
        """All markets by symbol; asked once, then remembered. Sets ``markets``, ``symbols``, …

        In the ccxt dialect ``has``, ``timeframes`` and ``features`` are loaded with them.
        """
        return self._run_market(self._load_markets(reload, params or NO_PARAMS))

    def set_markets_from_exchange(self, source_exchange: Any) -> Any:
        """Take over the markets that another object of the same account has loaded.

        With what it was told of the exchange; nobody is asked. Raises ``ArgumentsRequired`` if it
        has loaded none, ``BadRequest`` for an object of another kind.
        """
        if not isinstance(source_exchange, MarketMethods):
            message = "markets are shared between objects of this driver only"
            raise driver_error("BadRequest", message, code="validation_error")
        if source_exchange._loaded is None:
            message = "the source exchange must load its markets first"
            raise driver_error("ArgumentsRequired", message, code="markets_not_loaded")
        self._take_markets(source_exchange._loaded)
        if source_exchange._remote is not None:
            self._take_description(source_exchange._remote)
        return self

    def fetch_markets(self, params: Params = NO_PARAMS) -> Any:
        """All markets, asked anew."""
        return self._fetch_market("fetch_markets", [], params)

    def fetch_order_book(
        self, symbol: str, limit: int | None = None, params: Params = NO_PARAMS
    ) -> Any:
        """The exchange's order book."""
        args = [symbol] if limit is None else [symbol, limit]
        return self._fetch_market("fetch_order_book", args, params)

    def market(self, symbol: str) -> Any:
        """One market, by symbol or id; the markets must be loaded."""
        return self._markets().find(symbol, str(self.options.get("defaultType", "spot")))

    def market_id(self, symbol: str) -> Any:
        """The exchange's id of a market."""
        return self.market(symbol)["id"]

    def symbol(self, symbol: str) -> Any:
        """The symbol of a market, given that or its id."""
        return self.market(symbol)["symbol"]

    def currency(self, code: str) -> Any:
        """One currency of those that markets name."""
        found = self._markets().currencies.get(code)
        if found is None:
            message = f"no market of this account names the currency {code!r}"
            raise driver_error("ExchangeError", message, code="not_found")
        return found

    def amount_to_precision(self, symbol: str, amount: Any) -> Any:
        """The amount as text, cut to the market's step. Raises ``InvalidOrder`` below one step."""
        return self._told(self._rounding(symbol).amount(amount))

    def price_to_precision(self, symbol: str, price: Any) -> Any:
        """The price as text, rounded to the market's tick. Raises ``InvalidOrder`` for zero."""
        return self._told(self._rounding(symbol).price(price))

    def cost_to_precision(self, symbol: str, cost: Any) -> Any:
        """The cost as text, cut."""
        return self._told(self._rounding(symbol).cost(cost))

    def fee_to_precision(self, symbol: str, fee: Any) -> Any:
        """The fee as text, rounded."""
        return self._told(self._rounding(symbol).fee(fee))

    def currency_to_precision(self, code: str, fee: Any, network_code: Any = None) -> Any:
        """An amount of a currency as text, rounded to the finest step that a market tells."""
        step = self.currency(code)["precision"]
        return self._told(round_to_step(fee, step, ROUND_HALF_UP, self.precisionMode))

    def check_required_credentials(self, error: bool = True) -> bool:
        """Whether there is a key; an object without one cannot be made."""
        return True

    def _fetch_market(self, func: str, args: Sequence[Any], params: Params) -> Any:
        return self._run_market(
            read_flows.fetch_market(self._terms(), func, args, params or NO_PARAMS)
        )

    def _load_markets(self, reload: bool, params: Params) -> Flow[Any]:
        if self._loaded is not None and not reload:
            return self.markets
        terms = self._terms()
        told = yield from read_flows.fetch_market(terms, "load_markets", [True] * reload, params)
        if not isinstance(told, dict):
            return told
        if self.dialect == CCXT:
            yield from self._load_has(reload)
        self._take_markets(Markets(by_symbol=told))
        return self.markets

    def _take_markets(self, loaded: Markets) -> None:
        self._loaded = loaded
        self.markets, self.markets_by_id = loaded.by_symbol, loaded.by_id
        self.symbols, self.ids = sorted(loaded.by_symbol), sorted(loaded.by_id)
        self.currencies = loaded.currencies
        self.currencies_by_id = {each["id"]: each for each in self.currencies.values()}

    def _markets(self) -> Markets:
        if self._loaded is None:
            self._need_markets()
        if self._loaded is None:
            message = "markets are not loaded: call load_markets first"
            raise driver_error("ExchangeError", message, code="markets_not_loaded")
        return self._loaded

    def _told(self, value: Any) -> Any:
        """What a method answers that asks nobody."""
        return value

    def _need_markets(self) -> None:
        """Load the markets, where that can be done without waiting for an event loop."""

    def _rounding(self, symbol: str) -> MarketRounding:
        return MarketRounding(market=self.market(symbol), mode=self.precisionMode)
