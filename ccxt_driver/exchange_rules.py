"""Where ccxt's exchanges differ in what a call means: one row of rules per family.

The rules follow ccxt's own classes, so that a program trades through the gateway what it would
trade through ccxt. An exchange without a row has the rules of ccxt's base class.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

PAPER_PREFIX = "paper."
"""What the id of a paper exchange begins with; the id of the imitated exchange follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRules:
    """What calls mean at the exchanges of one family."""

    #: The types in the next two tables are all that there are; others are refused.
    has_own_types_only: bool = False
    #: With ``defaultType`` swap a spot symbol means the contract.
    swaps_spot_symbols: bool = False
    #: Order types of the exchange itself, by kind of market: the gateway's type, and if post-only.
    spot_types: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    contract_types: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    #: A market order on spot with a price spends amount times price.
    spends_price: bool = False
    #: Parameters with the quote amount that a market order on spot spends.
    cost_params: tuple[str, ...] = ("cost",)
    #: A trigger price says nothing of its direction: it comes from ``triggerDirection`` on
    #: contracts, from the last price on spot.
    has_undirected_triggers: bool = False
    #: An edit changes the order in place and ignores the type; elsewhere it places another order.
    ignores_type_of_edit: bool = False
    #: ``stopLossPrice`` and ``takeProfitPrice`` on contracts are reduce-only.
    has_reducing_exits: bool = False
    #: The parameter of the price that a trigger compares, and its values on a paper account.
    trigger_price_param: str | None = None
    trigger_price_types: Mapping[str, str] = field(default_factory=dict)
    #: Parameters that are 0 for the position of an account with one position per contract.
    position_params: tuple[str, ...] = ()
    #: Values of ``method`` that name the request of an order.
    order_methods: frozenset[str] = frozenset()


_BASE_TYPES = {"market": ("market", False), "limit": ("limit", False)}
_BINANCE = ExchangeRules(
    has_own_types_only=True,
    swaps_spot_symbols=True,
    spends_price=True,
    cost_params=("cost", "quoteOrderQty"),
    spot_types={
        **_BASE_TYPES,
        "limit_maker": ("limit", True),
        "stop_loss": ("stop_market", False),
        "stop_loss_limit": ("stop_limit", False),
        "take_profit": ("take_profit_market", False),
        "take_profit_limit": ("take_profit_limit", False),
    },
    contract_types={
        **_BASE_TYPES,
        "stop": ("stop_limit", False),
        "stop_market": ("stop_market", False),
        "take_profit_market": ("take_profit_market", False),
        "take_profit": ("take_profit_limit", False),
        "trailing_stop_market": ("trailing_stop", False),
    },
    trigger_price_param="workingType",
    trigger_price_types={"CONTRACT_PRICE": "last", "MARK_PRICE": "mark"},
)
_BYBIT = ExchangeRules(
    spends_price=True,
    has_undirected_triggers=True,
    ignores_type_of_edit=True,
    has_reducing_exits=True,
    spot_types=_BASE_TYPES,
    contract_types=_BASE_TYPES,
    trigger_price_param="triggerBy",
    trigger_price_types={"LastPrice": "last", "MarkPrice": "mark"},
    position_params=("positionIdx", "position_idx"),
    order_methods=frozenset({"privatePostV5OrderCreate"}),
)
_RULES: Mapping[str, ExchangeRules] = MappingProxyType(
    {
        **dict.fromkeys(("binance", "binanceus", "binanceusdm", "binancecoinm"), _BINANCE),
        **dict.fromkeys(("bybit", "bybiteu"), _BYBIT),
    }
)
_NO_RULES = ExchangeRules()

#: ccxt's classes that are one section of another class: options, and the field of their markets.
_SECTIONS: Mapping[str, tuple[Mapping[str, str], str]] = MappingProxyType(
    {
        "binanceusdm": ({"defaultType": "swap", "defaultSubType": "linear"}, "linear"),
        "binancecoinm": ({"defaultSubType": "inverse"}, "inverse"),
        "kucoinfutures": ({"defaultType": "swap"}, "contract"),
    }
)


def find_rules(exchange_id: str) -> ExchangeRules:
    """Returns the rules of an exchange, also of the paper exchange that imitates it."""
    return _RULES.get(exchange_id.removeprefix(PAPER_PREFIX), _NO_RULES)


def section_options(exchange_id: str) -> Mapping[str, Any]:
    """Returns the options that ccxt's class of that name begins with."""
    return _SECTIONS[exchange_id][0] if exchange_id in _SECTIONS else {}


def section_markets(exchange_id: str, markets: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the markets that ccxt's class of that name has."""
    if exchange_id not in _SECTIONS:
        return dict(markets)
    name = _SECTIONS[exchange_id][1]
    return {symbol: market for symbol, market in markets.items() if market.get(name)}
