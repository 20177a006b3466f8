"""Methods about markets: the exchange's market data, and rounding to the steps of markets.

Rounding sends at most one request, which loads the markets.
"""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP
from typing import Any

from ccxt_driver.errors import driver_error
from ccxt_driver.exchange_rules import section_markets
from ccxt_driver.markets import MarketRounding, Markets, round_to_step
from ccxt_driver.methods.driver import Driver
from ccxt_driver.sansio import read_flows
from ccxt_driver.sansio.flow import NO_PARAMS, Flow, Params
from ccxt_driver.structures import CCXT

#: Ids of markets that programs use; not a timeframe, a currency or a word.
_ID = re.compile(r"[A-Z0-9]{5,}(?:[-_.][A-Z0-9]+)*|[A-Z0-9]+(?:[-_][A-Z0-9]+)+")


class MarketMethods(Driver):
    """Markets, order books and rounding."""

    def load_markets(self, reload: bool = False, params: Params = NO_PARAMS) -> Any:
        """Returns all markets by symbol, requested once. Sets ``markets``, ``symbols`` and others.

        In the ccxt dialect ``has``, ``timeframes`` and ``features`` are loaded as well.
        """
        return self._run_market(self._load_markets(reload, params or NO_PARAMS))

    def set_markets_from_exchange(self, source_exchange: Any) -> Any:
        """Copies the markets and the description that another exchange object has loaded.

        Sends no request. Raises ``ArgumentsRequired`` if that object has loaded no markets,
        ``BadRequest`` for an object of another library.
        """
        if not isinstance(source_exchange, MarketMethods):
            message = "markets are shared between objects of this driver only"
            raise driver_error("BadRequest", message, code="validation_error")
        if source_exchange._loaded_markets is None:
            message = "the source exchange must load its markets first"
            raise driver_error("ArgumentsRequired", message, code="markets_not_loaded")
        self._set_markets(source_exchange._loaded_markets)
        if source_exchange._remote_description is not None:
            self._set_description(source_exchange._remote_description)
        return self

    def fetch_markets(self, params: Params = NO_PARAMS) -> Any:
        """Returns all markets, requested again."""
        return self._fetch_market("fetch_markets", [], params)

    def fetch_order_book(
        self, symbol: str, limit: int | None = None, params: Params = NO_PARAMS
    ) -> Any:
        """Returns the exchange's order book."""
        args = [symbol] if limit is None else [symbol, limit]
        return self._fetch_market("fetch_order_book", args, params)

    def market(self, symbol: str) -> Any:
        """Returns a market by symbol or id; the markets must be loaded."""
        return self._markets().find(
            symbol, self.options, swaps_spot_symbols=self._rules.swaps_spot_symbols
        )

    def market_id(self, symbol: str) -> Any:
        """Returns the exchange's id of a market."""
        return self.market(symbol)["id"]

    def symbol(self, symbol: str) -> Any:
        """Returns the symbol of a market, by symbol or id."""
        return self.market(symbol)["symbol"]

    def currency(self, code: str) -> Any:
        """Returns a currency of the markets. Raises ``ExchangeError`` for an unknown one."""
        currency = self._markets().currencies.get(code)
        if currency is None:
            message = f"no market of this account has the currency {code!r}"
            raise driver_error("ExchangeError", message, code="not_found")
        return currency

    def amount_to_precision(self, symbol: str, amount: Any) -> Any:
        """Returns the amount as text, truncated to the step. Raises ``InvalidOrder`` for zero."""
        return self._local_result(self._rounding(symbol).amount(amount))

    def price_to_precision(self, symbol: str, price: Any) -> Any:
        """Returns the price as text, rounded to the tick. Raises ``InvalidOrder`` for zero."""
        return self._local_result(self._rounding(symbol).price(price))

    def cost_to_precision(self, symbol: str, cost: Any) -> Any:
        """Returns the cost as text, truncated."""
        return self._local_result(self._rounding(symbol).cost(cost))

    def fee_to_precision(self, symbol: str, fee: Any) -> Any:
        """Returns the fee as text, rounded."""
        return self._local_result(self._rounding(symbol).fee(fee))

    def currency_to_precision(self, code: str, fee: Any, network_code: Any = None) -> Any:
        """Returns an amount of a currency as text, rounded to the finest step of its markets."""
        step = self.currency(code)["precision"]
        return self._local_result(round_to_step(fee, step, ROUND_HALF_UP, self.precisionMode))

    def check_required_credentials(self, error: bool = True) -> bool:
        """Returns ``True``: an object without a key cannot be constructed."""
        return True

    def _fetch_market(self, func: str, args: Sequence[Any], params: Params) -> Any:
        return self._run_market(self._read_market(func, args, params))

    def _read_market(self, func: str, args: Sequence[Any], params: Params | None) -> Flow[Any]:
        resolved = yield from self._resolve_known(list(args))
        return (
            yield from read_flows.fetch_market(self._context(), func, resolved, params or NO_PARAMS)
        )

    def _resolve_known(self, value: Any) -> Flow[Any]:
        """Returns an argument with ids and spot symbols replaced by what they mean here."""
        if isinstance(value, list | tuple):
            resolved = []
            for each in value:
                resolved.append((yield from self._resolve_known(each)))
            return resolved
        if not isinstance(value, str) or not self._may_mean_another(value):
            return value
        yield from self._load_for_symbols()
        market = self._markets().find_or_none(
            value, self.options, swaps_spot_symbols=self._rules.swaps_spot_symbols
        )
        return value if market is None else market["symbol"]

    def _lacks_sizes(self, structures: Sequence[Any]) -> bool:
        """Whether structures are of contracts whose sizes were not loaded yet."""
        if self.dialect != CCXT or self._loaded_markets is not None:
            return False
        return any(":" in str(each.get("symbol")) for each in structures)

    def _load_for_symbols(self) -> Flow[None]:
        yield from self._load_markets(False, NO_PARAMS)
        yield from self._load_has(False)

    def _may_mean_another(self, text: str) -> bool:
        """Whether a text may be an id, or a spot symbol that means a contract."""
        if "/" not in text:
            return _ID.fullmatch(text) is not None
        return ":" not in text and self.options.get("defaultType") == "swap"

    def _load_markets(self, reload: bool, params: Params) -> Flow[Any]:
        if self._loaded_markets is not None and not reload:
            return self.markets
        context = self._context()
        args = [True] * reload
        markets = yield from read_flows.fetch_market(context, "load_markets", args, params)
        if not isinstance(markets, dict):
            return markets
        if self.dialect == CCXT:
            yield from self._load_has(reload)
        self._set_markets(Markets(by_symbol=section_markets(self._exchange_id, markets)))
        return self.markets

    def _set_markets(self, loaded: Markets) -> None:
        self._loaded_markets = loaded
        self.markets, self.markets_by_id = loaded.by_symbol, loaded.by_id
        if self.dialect == CCXT:
            self._contract_sizes = loaded.contract_sizes()
        self.symbols, self.ids = sorted(loaded.by_symbol), sorted(loaded.by_id)
        self.currencies = loaded.currencies
        self.currencies_by_id = {each["id"]: each for each in self.currencies.values()}

    def _markets(self) -> Markets:
        if self._loaded_markets is None:
            self._load_markets_if_possible()
        if self._loaded_markets is None:
            message = "markets are not loaded: call load_markets first"
            raise driver_error("ExchangeError", message, code="markets_not_loaded")
        return self._loaded_markets

    def _local_result(self, value: Any) -> Any:
        """Returns the result of a method that sends no request."""
        return value

    def _load_markets_if_possible(self) -> None:
        """Loads the markets in classes that can do so without an event loop."""

    def _rounding(self, symbol: str) -> MarketRounding:
        return MarketRounding(market=self.market(symbol), mode=self.precisionMode)
