"""The kind of market that a read without symbols is about: what ``defaultType`` chooses in ccxt."""

from collections.abc import Mapping, Sequence
from typing import Any

#: Reads that ccxt directs by the type, and the position of their ``params``; symbols come first.
_PARAMS_AT: Mapping[str, int] = {
    **dict.fromkeys(("fetch_tickers", "fetch_bids_asks", "fetch_last_prices"), 1),
    **dict.fromkeys(("fetch_free_balance", "fetch_used_balance", "fetch_total_balance"), 0),
    "fetch_trading_fees": 0,
}
_TYPE_PARAMS = frozenset({"type", "defaultType"})


def params_of_type(params: Mapping[str, Any], market_type: str | None) -> Mapping[str, Any]:
    """Returns ``params`` with the type of market, unless they name one."""
    if market_type is None or _TYPE_PARAMS & params.keys():
        return params
    return {**params, "type": market_type}


def arguments_of_type(
    func: str, args: Sequence[Any], keywords: Mapping[str, Any], market_type: str | None
) -> tuple[list[Any], dict[str, Any]]:
    """Returns the arguments of a call; with the type, if it is a read of all symbols."""
    arguments, named = list(args), dict(keywords)
    index = _PARAMS_AT.get(func)
    if index is None or market_type is None:
        return arguments, named
    if index and (any(arguments[:index]) or named.get("symbols")):
        return arguments, named
    if len(arguments) > index:
        arguments[index] = params_of_type(arguments[index] or {}, market_type)
    else:
        named["params"] = params_of_type(named.get("params") or {}, market_type)
    return arguments, named
