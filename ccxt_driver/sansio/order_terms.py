"""Converts the arguments of ccxt's ``create_order`` to those of the gateway, as ccxt would trade.

Rounded as ccxt rounds, with the contract's quantity in base units, the conditional type named, and
costs as quantities. What cannot be done is refused with the name of the parameter. Pure: the
market and, where it is needed, the ticker come in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Context, Decimal
from typing import Any

from ccxt_driver.errors import driver_error, refuse_parameter
from ccxt_driver.exchange_rules import ExchangeRules
from ccxt_driver.markets import Market, MarketRounding
from ccxt_driver.naming import GATEWAY_ORDER_TYPES, gateway_order_type
from ccxt_driver.sansio.native_params import convert_native_params
from ccxt_driver.wire import format_decimal

_EXACT = Context(prec=80)
_TRIGGERS = ("triggerPrice", "stopPrice", "trigger_price", "stop_price")
_STOPS = ("stopLossPrice",)
_PROFITS = ("takeProfitPrice", "take_profit_price")
_ATTACHED = ("stopLoss", "takeProfit")
_ATTACHED_KEYS = frozenset({"triggerPrice", "stopPrice", "price", "type"})
_RISING, _FALLING = frozenset({"ascending", "above", "1"}), frozenset({"descending", "below", "2"})
_POST_ONLY_WORDS = frozenset({"gtx", "postonly"})
_LIMIT_TYPES = frozenset({"limit", "stop_limit", "take_profit_limit"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCall:
    """Arguments of ``create_order``; ``exchange_params`` are for the exchange alone."""

    symbol: str
    type: str
    side: str
    amount: Any
    price: Any = None
    params: Mapping[str, Any]
    exchange_params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMarket:
    """The market of an order and what its exchange does there."""

    market: Market
    rounding: MarketRounding
    rules: ExchangeRules
    is_paper: bool = False
    #: Whether the exchange takes exits attached to an order.
    has_attached_exits: bool = False
    #: Whether a paper account has two positions per contract.
    is_hedged: bool = False

    @property
    def is_contract(self) -> bool:
        """Whether the market is one of contracts."""
        return not self.market.get("spot")

    @property
    def contract_size(self) -> Decimal:
        """The base units of one contract; 1 on spot."""
        size = self.market.get("contractSize") if self.is_contract else None
        return Decimal(1) if size is None else Decimal(format_decimal(size))

    def order_type(self, type: Any) -> tuple[str, bool]:
        """Returns the gateway's name of an order type, and whether it is post-only.

        Raises ``InvalidOrder`` for a type that the exchange does not have on such a market.
        """
        name = str(type).lower()
        native = self.rules.contract_types if self.is_contract else self.rules.spot_types
        if self.rules.has_own_types_only and not self.is_paper and name not in native:
            message = f"{type} is not an order type of {self.market['symbol']}"
            raise driver_error("InvalidOrder", message, code="order_type_not_supported")
        return native.get(name, (gateway_order_type(name), False))

    def existing_order_type(self, type: Any) -> str:
        """Returns the gateway's name of the type of an order that exists.

        Takes the names that order structures have besides those of ``order_type``; no name means
        one type there and another one here. Raises ``InvalidOrder`` for others.
        """
        name = str(type).lower()
        return name if name in GATEWAY_ORDER_TYPES else self.order_type(type)[0]


def needs_ticker(call: OrderCall, place: OrderMarket) -> bool:
    """Whether the conversion needs the ticker: for a cost, or a trigger without a direction."""
    kind, _ = place.order_type(call.type)
    if place.is_contract:
        return False
    if kind == "market" and _has(call.params, *place.rules.cost_params):
        return True
    if place.rules.has_undirected_triggers and _has(call.params, *_TRIGGERS):
        return True
    is_conditional = _has(call.params, *_TRIGGERS, *_STOPS, *_PROFITS)
    return (
        kind == "market"
        and place.rules.spends_price
        and call.price is not None
        and not is_conditional
    )


def convert_order(
    call: OrderCall, place: OrderMarket, ticker: Mapping[str, Any] | None
) -> OrderCall:
    """Returns the converted arguments; ``ticker`` where ``needs_ticker`` says so.

    Raises ``InvalidOrder``, ``NotSupported``, ``ArgumentsRequired``.
    """
    params = {name: value for name, value in call.params.items() if value is not None}
    kind, is_post_only = place.order_type(call.type)
    if is_post_only or str(params.get("timeInForce", "")).lower() in _POST_ONLY_WORDS:
        params.pop("timeInForce", None)
        params["postOnly"] = True
    has_trigger = _has(params, *_TRIGGERS, *_STOPS, *_PROFITS)
    convert_native_params(
        params,
        place.rules,
        is_paper=place.is_paper,
        is_hedged=place.is_hedged,
        triggers=has_trigger,
    )
    exits = _attached_exits(params, place)
    cost = _cost(call, kind, params, place)
    kind = _set_trigger(kind, call.side, params, place, ticker)
    amount = call.amount
    if cost is not None:
        amount = _quantity_of(cost, call.side, ticker, place)
    return replace(
        call,
        symbol=place.market["symbol"],
        type=kind,
        amount=base_amount(amount, place),
        price=_price(call.price, kind, place),
        params=params,
        exchange_params=exits,
    )


def base_amount(amount: Any, place: OrderMarket) -> str | None:
    """Returns a quantity of ccxt, rounded, in base units."""
    rounded = place.rounding.amount(amount)
    if rounded is None or place.contract_size == 1:
        return rounded
    return format_decimal(_EXACT.multiply(Decimal(rounded), place.contract_size))


def _price(price: Any, kind: str, place: OrderMarket) -> str | None:
    if kind in _LIMIT_TYPES:
        return place.rounding.price(price)
    return None


def _set_trigger(
    kind: str,
    side: str,
    params: dict[str, Any],
    place: OrderMarket,
    ticker: Mapping[str, Any] | None,
) -> str:
    """Moves the trigger to ``trigger_price``; returns the type that it makes of the order."""
    given = [name for name in (*_TRIGGERS, *_STOPS, *_PROFITS) if name in params]
    if not given:
        return kind
    if len(given) > 1:
        if place.is_paper and set(given) == {"stopLossPrice", "takeProfitPrice"}:
            for name in given:
                params[name] = place.rounding.price(params[name])
            return kind  # a pair of exits, which the paper exchange has
        refuse_parameter(given[1], f"an order has one trigger, and {given[0]} is given")
    (name,) = given
    trigger = place.rounding.price(params.pop(name))
    rises = _direction(name, side, params, place, trigger, ticker)
    params["trigger_price"] = trigger
    is_exit = name in (*_STOPS, *_PROFITS)
    if is_exit and place.rules.has_reducing_exits and place.is_contract:
        params["reduceOnly"] = True
    if kind not in ("market", "limit"):
        return kind
    is_stop = name not in _PROFITS if rises is None else rises is (side.lower() == "buy")
    return f"{'stop' if is_stop else 'take_profit'}_{kind}"


def _direction(
    name: str,
    side: str,
    params: dict[str, Any],
    place: OrderMarket,
    trigger: str | None,
    ticker: Mapping[str, Any] | None,
) -> bool | None:
    """Returns whether the price rises to the trigger; ``None`` where the name says it."""
    if name not in _TRIGGERS:
        return None
    word = params.pop("triggerDirection", None)
    if word is not None and str(word) not in _RISING | _FALLING:
        refuse_parameter("triggerDirection", "it is ascending or descending")
    if not place.rules.has_undirected_triggers:
        if word is not None and (str(word) in _RISING) is not (side.lower() == "buy"):
            refuse_parameter("triggerDirection", f"{name} is a stop at this exchange")
        return None
    if place.is_contract and word is None:
        message = f"{name} needs triggerDirection, ascending or descending"
        raise driver_error("ArgumentsRequired", message, code="validation_error")
    if place.is_contract:
        return str(word) in _RISING
    if word is not None:
        refuse_parameter("triggerDirection", "this exchange has none on spot markets")
    return Decimal(str(trigger)) > Decimal(format_decimal((ticker or {}).get("last")))


def _cost(call: OrderCall, kind: str, params: dict[str, Any], place: OrderMarket) -> Decimal | None:
    """Returns the quote amount that the order spends, if it is one by cost."""
    names = [name for name in place.rules.cost_params if name in params]
    for name in names:
        if kind != "market" or place.is_contract:
            refuse_parameter(name, "only a market order on a spot market has a cost")
    if len(names) > 1:
        refuse_parameter(names[1], f"{names[0]} is given")
    if names:
        cost = params.pop(names[0])
    elif (
        kind == "market"
        and needs_ticker(replace(call, params=params), place)
        and call.price is not None
    ):
        factors = [Decimal(format_decimal(each)) for each in (call.amount, call.price)]
        cost = format_decimal(_EXACT.multiply(*factors))
    else:
        return None
    if _has(params, *_TRIGGERS, *_STOPS, *_PROFITS):
        refuse_parameter(names[0] if names else "price", "an order with a trigger has no cost")
    return Decimal(str(place.rounding.cost(cost)))


def _quantity_of(
    cost: Decimal, side: str, ticker: Mapping[str, Any] | None, place: OrderMarket
) -> str:
    """Returns what ``cost`` buys or sells at the best price."""
    quote = ticker or {}
    price = quote.get("ask" if side.lower() == "buy" else "bid") or quote.get("last")
    if not price:
        message = f"{place.market['symbol']} has no price to divide the cost by"
        raise driver_error("InvalidOrder", message, code="no_price")
    return format_decimal(_EXACT.divide(cost, Decimal(format_decimal(price))))


def _attached_exits(params: dict[str, Any], place: OrderMarket) -> dict[str, Any]:
    """Takes ``stopLoss`` and ``takeProfit`` out of ``params``, rounded, for the exchange."""
    exits: dict[str, Any] = {}
    for name in _ATTACHED:
        if name not in params:
            continue
        if not place.has_attached_exits:
            refuse_parameter(name, "this exchange takes no exits attached to an order")
        exits[name] = _attached_exit(name, params.pop(name), place)
    return exits


def _attached_exit(name: str, value: Any, place: OrderMarket) -> dict[str, Any]:
    terms = dict(value) if isinstance(value, Mapping) else {"triggerPrice": value}
    unknown = sorted(terms.keys() - _ATTACHED_KEYS)
    if unknown:
        refuse_parameter(f"{name}.{unknown[0]}", "triggerPrice, price and type are")
    trigger = terms.pop("triggerPrice", terms.pop("stopPrice", None))
    exit = {"triggerPrice": place.rounding.price(trigger), "type": terms.get("type")}
    exit["price"] = place.rounding.price(terms.get("price"))
    return {key: each for key, each in exit.items() if each is not None}


def _has(params: Mapping[str, Any], *names: str) -> bool:
    return any(params.get(name) is not None for name in names)
