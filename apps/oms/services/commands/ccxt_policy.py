"""Trades of the ccxt gateway under a risk policy: checked as orders of strategy 0.

Such a trade is sent as it is, so it is never cut to the part that reduces. What cannot be valued is
refused.
"""

from datetime import datetime
from decimal import Decimal

from oms.domain.commands.command import ChangeOrder
from oms.domain.errors import Refused
from oms.domain.instrument import InstrumentKind
from oms.domain.money import EXACT, ZERO, multiply, subtract
from oms.domain.orders.order import Order, Side
from oms.domain.risk.exposure import Entry, changed_entry
from oms.domain.risk.judgement import Judgement
from oms.domain.risk.limit_context import RepeatedOrder
from oms.domain.risk.policy import AccountPolicy
from oms.domain.risk.raw_params import unjudged_param
from oms.domain.value import evolve
from oms.services.account_state.state import AccountState
from oms.services.commands.policy_limits import (
    reducible_in,
    refuse_change,
    refuse_entry,
)
from oms.wire.ccxt.trade_requests import CreateRequest, EditRequest, Params, positive_number

_TRIGGERS = ("triggerprice", "stopprice", "stoplossprice", "takeprofitprice")
"""Parameters that hold the trigger price of an order, without underscores in lower case."""
_LIMITS = frozenset({"limit", "limitmaker", "stoplimit", "stoplosslimit", "takeprofitlimit"})
_TYPES = _LIMITS | {"market", "stopmarket", "stoploss", "takeprofit", "takeprofitmarket"}
"""Types of orders, without underscores, of which is known whether they have a limit price."""


def refuse_unvalued(policy: AccountPolicy | None, params: Params | None = None) -> Refused | None:
    """Refuse a trade of which a term is not known, or set by ``params``, while a limit is set."""
    if policy is None or not policy.applies_to(0):
        return None
    message = "a risk policy applies, and what this call trades cannot be valued"
    name = None if params is None else unjudged_param(params, is_exempt=False)
    if name is not None:
        message += f": params.{name[:64]} may change it"
    return Refused(code="risk_blocked", reason="risk_error", message=message, set_by="account")


async def refuse_direct_change(
    policy: AccountPolicy,
    state: AccountState,
    request: EditRequest,
    order: Order,
    now: datetime,
    earlier: list[Entry],
) -> Refused | None:
    """Return why the policy refuses a change of an open order.

    What an accepted change makes of the order is added to ``earlier``, unless it is smaller.
    """
    if not policy.applies_to(order.strategy_id):
        return None
    if unjudged_param(request.params, is_exempt=False) is not None:
        return refuse_unvalued(policy, request.params)
    if _trigger_price(request.params) not in (None, order.trigger_price):
        return refuse_unvalued(policy)
    change = ChangeOrder(order_id=order.id, new_price=request.price, new_qty=request.amount)
    refused = await refuse_change(policy, state, change, order, now)
    if refused is None and not order.reduce_only:
        earlier.append(changed_entry(order, request.amount, request.price))
    return refused


async def refuse_direct_order(
    policy: AccountPolicy,
    state: AccountState,
    request: CreateRequest,
    now: datetime,
    earlier: list[Entry],
    repeated: RepeatedOrder | None = None,
) -> Refused | None:
    """Return why the policy refuses a new order; an accepted one is added to ``earlier``.

    ``earlier`` are the orders before it in the same call. Raises ``Invalid``.
    """
    if not policy.applies_to(0):
        return None
    is_known = request.order_type.replace("_", "") in _TYPES
    if not is_known or unjudged_param(request.params, is_exempt=False) is not None:
        return refuse_unvalued(policy, request.params)
    qty = await _quantity(state, request, now)
    if qty is None:
        return refuse_unvalued(policy)
    entry = entry_of_call(request, qty)
    reducible = reducible_in(state, entry.symbol, entry.side, entry.strategy_id, pending=earlier)
    if reducible < qty:
        opening = evolve(entry, qty=subtract(qty, reducible))
        judgement = None if repeated is None else Judgement(repeated=repeated)
        refused = await refuse_entry(
            policy, state, opening, now, pending=earlier, judgement=judgement
        )
        if refused is not None:
            return refused
    earlier.append(entry)
    return None


async def _quantity(state: AccountState, request: CreateRequest, now: datetime) -> Decimal | None:
    """Return the largest quantity that an exchange may read from the call; ``None`` if unknown.

    Some take amount × price as the cost of a market buy of spot.
    """
    amount, cost, price = request.amount or ZERO, request.cost, _limit_price(request)
    if cost is None and (price == request.price or not _is_spot_buy(state, request)):
        return request.amount
    if price is None:
        quote = await state.exchange.fetch_quote(request.symbol, now)
        if quote is None:
            return None
        price = quote.ask
        if request.price is not None and _is_spot_buy(state, request):
            amount = max(amount, EXACT.divide(multiply(amount, request.price), price))
    return amount if cost is None else max(amount, EXACT.divide(cost, price))


def _is_spot_buy(state: AccountState, request: CreateRequest) -> bool:
    kind = state.exchange.instruments()[request.symbol].kind
    return kind is InstrumentKind.SPOT and request.side is Side.BUY


def _limit_price(request: CreateRequest) -> Decimal | None:
    """Return the limit price; the price of a market order only helps to compute its cost."""
    return request.price if request.order_type.replace("_", "") in _LIMITS else None


def entry_of_call(request: CreateRequest, qty: Decimal) -> Entry:
    """Return what the call adds. Raises ``Invalid``.

    Exchanges read the direction of a trigger in ways of their own. It is taken to be the one in
    which the order may be filled at the market for more than it names.
    """
    trigger = _trigger_price(request.params)
    price = _limit_price(request)
    kind = "market" if price is None else "limit"
    trigger_kind = "stop" if request.side is Side.BUY else "take_profit"
    time_in_force = request.params.get("timeInForce")
    return Entry(
        symbol=request.symbol,
        side=request.side,
        order_type=kind if trigger is None else f"{trigger_kind}_{kind}",
        qty=qty,
        price=price,
        trigger_price=trigger,
        time_in_force=time_in_force if isinstance(time_in_force, str) else None,
    )


def _trigger_price(params: Params) -> Decimal | None:
    """Return the highest of the trigger prices that the parameters name."""
    prices = [
        positive_number(name, each)
        for name, each in params.items()
        if name.replace("_", "").lower() in _TRIGGERS
    ]
    return max((price for price in prices if price is not None), default=None)
