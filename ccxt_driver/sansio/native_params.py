"""Order parameters that only one exchange has, for the gateway and for a paper account of it."""

from typing import Any

from ccxt_driver.errors import refuse_parameter
from ccxt_driver.exchange_rules import ExchangeRules


def convert_native_params(
    params: dict[str, Any],
    rules: ExchangeRules,
    *,
    is_paper: bool,
    is_hedged: bool,
    triggers: bool,
) -> None:
    """Changes the parameters of an order to those that have their effect.

    An exchange gets its own parameters. Raises ``NotSupported`` with the name of one that a paper
    account does not have.
    """
    method = params.get("method")
    if method is not None and rules.order_methods:
        if method not in rules.order_methods:
            refuse_parameter("method", "orders are sent by the request for orders only")
        del params["method"]
    if is_paper:
        _convert_position(params, rules, is_hedged=is_hedged)
        _convert_trigger_price(params, rules, triggers=triggers)


def _convert_position(params: dict[str, Any], rules: ExchangeRules, *, is_hedged: bool) -> None:
    for name in rules.position_params:
        if params.get(name) is None:
            continue
        if is_hedged or str(params[name]) != "0":
            refuse_parameter(name, "0 is the position of an account with one per contract")
        del params[name]


def _convert_trigger_price(params: dict[str, Any], rules: ExchangeRules, *, triggers: bool) -> None:
    name = rules.trigger_price_param
    if name is None or params.get(name) is None:
        return
    price = rules.trigger_price_types.get(str(params.pop(name)))
    if price is None or not triggers:
        refuse_parameter(name, "it is the price of a trigger: the last one or the mark")
    params["triggerPriceType"] = price
