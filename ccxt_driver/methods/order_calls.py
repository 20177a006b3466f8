"""Flows shared by methods: which market a call means, what an order of ccxt is at the gateway."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ccxt_driver.errors import driver_error, refuse_parameter
from ccxt_driver.exchange_rules import PAPER_PREFIX
from ccxt_driver.methods.market import MarketMethods
from ccxt_driver.sansio import read_flows
from ccxt_driver.sansio.flow import NO_PARAMS, Flow, Params
from ccxt_driver.sansio.order_terms import (
    OrderCall,
    OrderMarket,
    base_amount,
    convert_order,
    needs_ticker,
)
from ccxt_driver.structures import CCXT

_CLIENT_ID_PARAMS = (
    *("clientOrderId", "client_order_id", "origClientOrderId", "orderLinkId"),
    *("newClientOrderId", "clOrdId"),
)
_EDIT_TRIGGERS = ("triggerPrice", "stopPrice")
_EDIT_PARAMS = frozenset({"comment", "wait_ms", "strategy_id", *_EDIT_TRIGGERS, *_CLIENT_ID_PARAMS})


class OrderCallMethods(MarketMethods):
    """Flows that complete the arguments of orders."""

    def _convert_order(self, call: OrderCall) -> Flow[OrderCall]:
        """Returns what the gateway is asked for; in the ccxt dialect as ccxt would trade."""
        yield from self._check_sandbox()
        if self.dialect != CCXT and call.params.get("cost") is None:
            return replace(call, symbol=(yield from self._resolve(call.symbol)))
        yield from self._load_for_symbols()
        market = self._order_market(call.symbol)
        ticker = None
        if needs_ticker(call, market):
            args = [market.market["symbol"]]
            context = self._context()
            ticker = yield from read_flows.fetch_market(context, "fetch_ticker", args, NO_PARAMS)
        return convert_order(call, market, ticker)

    def _convert_edit(
        self,
        symbol: str | None,
        type: str | None,
        side: str | None,
        amount: Any,
        price: Any,
        params: Params,
    ) -> Flow[tuple[Any, Any, Mapping[str, Any]]]:
        """Returns amount and price, rounded, and the other keys of the change.

        These are a new trigger price, and the terms that the order must have.
        """
        triggers = (params.get(name) for name in _EDIT_TRIGGERS)
        trigger = next((each for each in triggers if each is not None), None)
        moved = {} if trigger is None else {"new_trigger_price": trigger}
        if self.dialect != CCXT or (symbol is None and amount is None and price is None):
            return amount, price, moved
        market = yield from self._require_market(symbol, "edit_order")
        expected = {"symbol": market.market["symbol"]}
        if trigger is not None:
            expected["new_trigger_price"] = market.rounding.price(trigger)
        if side is not None:
            expected["side"] = side.lower()
        if type is not None and not self._rules.ignores_type_of_edit:
            expected["order_type"] = market.existing_order_type(type)
        return base_amount(amount, market), market.rounding.price(price), expected

    def _convert_close(self, symbol: str | None, params: Params) -> Flow[Params]:
        """Returns ``params`` with the amount to close, rounded, in base units."""
        given = [name for name in ("amount", "qty") if params.get(name) is not None]
        if self.dialect != CCXT or not given:
            return params
        market = yield from self._require_market(symbol, "close_position with an amount")
        return {**params, **{name: base_amount(params[name], market) for name in given}}

    def _check_sandbox(self) -> Flow[None]:
        if not self._needs_test_account:
            return
        environment = yield from read_flows.fetch_environment(self._context())
        if environment == "live":
            message = f"account {self.account_id} is live, and a test environment was chosen"
            raise driver_error("NotSupported", message, code="environment_not_supported")
        self._is_test_account = True

    def _check_edit_params(self, params: Params) -> None:
        if self.dialect != CCXT:
            return
        for name in sorted(params.keys() - _EDIT_PARAMS):
            if params[name] is not None:
                refuse_parameter(name, "amount, price and triggerPrice of an order can be changed")

    def _find_order_id(self, id: Any, symbol: str | None, params: Params) -> Flow[Any]:
        """Returns ``id``, or without one that of the open order with a client id of ``params``."""
        if id not in (None, ""):
            return id
        client_id = client_id_of(params)
        if client_id is None:
            message = "an id is required, or clientOrderId in params"
            raise driver_error("ArgumentsRequired", message, code="validation_error")
        order = yield from read_flows.find_open_order(self._context(), client_id, symbol)
        return order["id"]

    def _resolve(self, symbol: Any) -> Flow[Any]:
        """Returns the unified symbol of a symbol or id; loads the markets if that is unclear."""
        if symbol is None or not self._may_mean_another(str(symbol)):
            return symbol
        yield from self._load_for_symbols()
        return self.market(symbol)["symbol"]

    def _require_market(self, symbol: str | None, method: str) -> Flow[OrderMarket]:
        """Returns the market that says what an amount is. Raises ``ArgumentsRequired``."""
        if symbol is None:
            message = f"{method} needs the symbol: amounts are in contracts of its market"
            raise driver_error("ArgumentsRequired", message, code="validation_error")
        yield from self._load_for_symbols()
        return self._order_market(symbol)

    def _order_market(self, symbol: str) -> OrderMarket:
        market = self.market(symbol)
        # Under a class of ccxt's the account may be a paper account all the same.
        traded_at = str((self._remote_description or {}).get("id") or self._exchange_id)
        is_paper = traded_at.startswith(PAPER_PREFIX)
        return OrderMarket(
            market=market,
            rounding=self._rounding(market["symbol"]),
            rules=self._rules,
            is_paper=is_paper,
            has_attached_exits=is_paper
            or self._has_order_feature(market, "attachedStopLossTakeProfit"),
            is_hedged=is_paper and self._has_order_feature(market, "hedged"),
        )

    def _has_order_feature(self, market: Mapping[str, Any], name: str) -> bool:
        """Whether orders on a market have a feature of the exchange."""
        kind = "spot" if market.get("spot") else "swap"
        features = self.features.get(kind) or {}
        if kind == "swap":
            features = features.get("linear" if market.get("linear") else "inverse") or {}
        return bool((features.get("createOrder") or {}).get(name))


def client_id_params(client_order_id: str, params: Params | None) -> Params:
    """Returns ``params`` with a client order id instead of any that they contain."""
    rest = {name: each for name, each in (params or {}).items() if name not in _CLIENT_ID_PARAMS}
    return {**rest, "clientOrderId": client_order_id}


def client_id_of(params: Params) -> str | None:
    """Returns the client order id in ``params``, in any of its spellings."""
    names = (name for name in _CLIENT_ID_PARAMS if params.get(name) is not None)
    return next((str(params[name]) for name in names), None)
