"""Risk policies in the worker: what a check reads is collected here, decided in ``domain.risk``.

Callers ask only where the account has a policy. Prices are read only where a limit needs them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from datetime import datetime
from decimal import Decimal

from oms.domain.account import PositionMode
from oms.domain.commands.command import ChangeOrder, ClosePosition, SendOrder
from oms.domain.errors import Refused
from oms.domain.money import ZERO, divide, round_down_to_step, subtract
from oms.domain.orders.order import Order, Side
from oms.domain.orders.order_risk import OrderRisk
from oms.domain.quotes import Quote
from oms.domain.risk.admission import ApprovedOrder
from oms.domain.risk.currency import DOLLARS, conversions, rates_into
from oms.domain.risk.exposure import Entry, Exposure, entry_of, reducible_qty, reservations
from oms.domain.risk.judgement import Judgement
from oms.domain.risk.limit_context import (
    NO_EQUITY,
    AccountEquity,
    LimitContext,
    LossVerdict,
    Market,
)
from oms.domain.risk.limits import (
    check_limits,
    needs_price,
    symbols_to_mark,
)
from oms.domain.risk.policy import AccountPolicy
from oms.domain.value import constructor, evolve
from oms.services.account_state.state import AccountState
from oms.services.risk.recent_activity import read_recent
from oms.wire.json import time_text

_new_entry, _new_exposure = constructor(Entry), constructor(Exposure)
_new_context, _new_market = constructor(LimitContext), constructor(Market)

_NO_LOSSES: Mapping[str, LossVerdict] = {}
_ONE = Decimal(1)
_OF_DOLLARS: Mapping[str, Decimal] = dict.fromkeys(DOLLARS, _ONE)


async def within_policy(
    policy: AccountPolicy,
    state: AccountState,
    payload: SendOrder,
    approved: ApprovedOrder | Refused,
    now: datetime,
    judgement: Judgement | None = None,
) -> ApprovedOrder | Refused:
    """Return the approved order, the part of it that only reduces, or why it is refused.

    The part that reduces is exempt. If the rest is refused, the order is cut to it. An order that
    only reduces now is sent as reduce-only unless it might open as much: the position may be
    smaller by the time it is filled.
    """
    if isinstance(approved, Refused) or approved.reduce_only:
        return approved
    if not policy.applies_to(approved.strategy_id):
        return approved
    reducible = reducible_in(state, approved.symbol, approved.side, approved.strategy_id)
    is_exempt = reducible >= approved.qty
    qty = approved.qty if is_exempt else subtract(approved.qty, reducible)
    entry = entry_of_request(payload, approved, qty)
    refused = await refuse_entry(policy, state, entry, now, judgement=judgement)
    if refused is None:
        return approved
    if is_exempt:
        return evolve(approved, reduce_only=True)
    step = state.exchange.instruments()[approved.symbol].step
    qty = round_down_to_step(reducible, step)
    return evolve(approved, qty=qty, reduce_only=True, cut_by=refused) if qty else refused


def entry_of_request(
    payload: SendOrder | ClosePosition, approved: ApprovedOrder, qty: Decimal
) -> Entry:
    """Return ``qty`` of an order as limits value it."""
    return _new_entry(
        symbol=approved.symbol,
        side=approved.side,
        order_type=approved.order_type,
        qty=qty,
        price=approved.price,
        trigger_price=payload.trigger_price,
        time_in_force=payload.time_in_force,
        strategy_id=approved.strategy_id,
        position_id=approved.position_id,
        new_position=isinstance(payload, SendOrder) and payload.new_position,
        signal_id=payload.signal_id,
    )


async def refuse_change(
    policy: AccountPolicy,
    state: AccountState,
    payload: ChangeOrder,
    order: Order,
    now: datetime,
    judgement: Judgement | None = None,
) -> Refused | None:
    """Return why the policy refuses the order that a change makes.

    A change that only makes an order smaller passes, as does every change of an order that reduces.
    """
    moved = payload.new_trigger_price
    has_new_price = payload.new_price not in (None, order.price)
    has_new_price = has_new_price or moved not in (None, order.trigger_price)
    grows = payload.new_qty is not None and payload.new_qty > order.qty
    if order.reduce_only or not (has_new_price or grows):
        return None
    if not policy.applies_to(order.strategy_id):
        return None
    qty = order.qty if payload.new_qty is None else payload.new_qty
    left = subtract(qty, order.filled_qty)
    reducible = reducible_in(state, order.symbol, order.side, order.strategy_id, except_id=order.id)
    if reducible >= left:
        return None
    price = order.price if payload.new_price is None else payload.new_price
    entry = evolve(
        entry_of(order),
        qty=subtract(left, reducible),
        price=price,
        trigger_price=order.trigger_price if moved is None else moved,
    )
    return await refuse_entry(policy, state, entry, now, judgement=judgement)


def note_pending_change(state: AccountState, order: Order, payload: ChangeOrder) -> None:
    """Keep what a change asks for with its order: it is reserved until the change is answered.

    Always, as a limit may be set before the answer; only where the exchange answers later.
    """
    if not state.exchange.sends_after_commit() or order.reduce_only:
        return
    risk = order.risk or OrderRisk()
    state.put_order(
        evolve(
            order,
            risk=evolve(
                risk,
                pending_qty=payload.new_qty,
                pending_price=payload.new_price,
                pending_trigger_price=payload.new_trigger_price,
            ),
        )
    )


async def refuse_entry(
    policy: AccountPolicy,
    state: AccountState,
    entry: Entry,
    now: datetime,
    *,
    pending: Sequence[Entry] = (),
    judgement: Judgement | None = None,
) -> Refused | None:
    """Return why the policy refuses an entry; ``pending`` are entries that have no order yet.

    An order with the entry's id is the one that it replaces: it does not count. What was checked is
    kept in ``judgement``.
    """
    exposure = exposure_of(state, pending, except_id=entry.order_id)
    ruling = policy.ruling(entry.strategy_id)
    others = symbols_to_mark(ruling, entry, exposure)
    all_symbols = (entry.symbol, *others)
    symbols = all_symbols if needs_price(ruling, entry) else others
    valued = all_symbols if ruling.needs_rate else ()
    instruments = state.exchange.instruments()
    equity = NO_EQUITY
    if ruling.needs_equity:
        equity = state.command_equity or await read_equity(state, now)
    markets = await _read_markets(state, symbols, now)
    rates = await _read_rates_of(state, valued, equity, now)
    recent = None
    if ruling.needs_activity:
        recent = await read_recent(
            state, policy, ruling.keys, now, counts_signals=entry.signal_id is not None
        )
    observed, losses = state.observed, _NO_LOSSES
    if observed is not None and observed.hold_for(policy, equity, rates, state.risk):
        losses = observed.verdicts
    context = _new_context(
        exposure=exposure,
        instruments=instruments,
        markets=markets,
        rates=rates,
        equity=equity,
        risk=state.risk,
        recent=recent,
        pending=_with_calls(state, pending) if state.pending_calls else pending,
        losses=losses,
        repeated=None if judgement is None else judgement.repeated,
    )
    return check_limits(policy, entry, context, judgement)


def reducible_in(
    state: AccountState,
    symbol: str,
    side: Side,
    strategy_id: int,
    *,
    pending: Sequence[Entry] = (),
    except_id: int = 0,
) -> Decimal:
    """Return how much of an order only reduces, beyond open orders and calls on their way."""
    mode = state.account.position_mode
    if not state.positions or mode is PositionMode.HEDGE:
        return ZERO
    entries = _with_calls(state, pending) if state.pending_calls else pending
    return reducible_qty(
        mode,
        symbol,
        side,
        strategy_id,
        state.positions.values(),
        (order for order in state.orders.values() if order.id != except_id),
        [e for e in entries if not e.order_id or e.order_id != except_id] if entries else (),
    )


def exposure_of(
    state: AccountState, pending: Sequence[Entry] = (), *, except_id: int = 0
) -> Exposure:
    """Return the exposure with calls that are on their way; one order may be left out."""
    entries = _with_calls(state, pending) if state.pending_calls else pending
    reserved: Sequence[Entry] = ()
    if entries or state.orders:
        reserved = reservations(state.orders.values(), entries, except_id=except_id)
    positions = state.positions.values()
    return _new_exposure(mode=state.account.position_mode, positions=positions, reserved=reserved)


def _with_calls(state: AccountState, pending: Sequence[Entry]) -> Sequence[Entry]:
    """Return the entries, and what calls that are on their way may still place."""
    return (*pending, *(entry for call in state.pending_calls for entry in call.entries))


async def read_context(
    state: AccountState, exposure: Exposure, symbols: Collection[str], now: datetime
) -> LimitContext:
    """Return what the checks read of an account: the prices of ``symbols``, rates and equity.

    What is not known is absent.
    """
    equity = await read_equity(state, now)
    return LimitContext(
        exposure=exposure,
        instruments=state.exchange.instruments(),
        markets=await _read_markets(state, symbols, now),
        rates=await _read_rates_of(state, symbols, equity, now),
        equity=equity,
        risk=state.risk,
    )


async def read_equity(state: AccountState, now: datetime) -> AccountEquity:
    """Return the equity of the account, with the result of its day. Raises ``Unavailable``.

    All checks of a command read the same.
    """
    if state.command_equity is not None:
        return state.command_equity
    if state.read_equity is None:
        return NO_EQUITY
    return await state.read_equity(state.account.id, now, risk_day_zone(state))


def risk_day_zone(state: AccountState) -> str:
    """Return the time zone in which a day of the account's limits begins."""
    return "UTC" if state.policy is None else state.policy.day_zone


async def _read_markets(
    state: AccountState, symbols: Iterable[str], now: datetime
) -> Mapping[str, Market]:
    markets: dict[str, Market] = {}
    for symbol in symbols:
        quote = state.admission_quote
        if quote is None or quote.symbol != symbol or state.admitted_at is not now:
            quote = await state.exchange.fetch_quote(symbol, now)
        if quote is not None:
            markets[symbol] = market_of(quote)
    return markets


def market_of(quote: Quote) -> Market:
    """Return a quote as limits read it."""
    return _new_market(
        bid=quote.bid,
        ask=quote.ask,
        at=time_text(quote.at),
        bids=quote.bids or ((quote.bid, quote.bid_qty),),
        asks=quote.asks or ((quote.ask, quote.ask_qty),),
    )


async def _read_rates_of(
    state: AccountState, symbols: Iterable[str], equity: AccountEquity, now: datetime
) -> Mapping[str, Decimal]:
    """Return the worth of the quote currencies of the symbols, and of that of the equity."""
    instruments = state.exchange.instruments()
    currencies = {equity.currency} if equity.currency else set()
    for symbol in symbols:
        if symbol in instruments:
            currencies |= {instruments[symbol].quote}
    return await limit_rates(state, currencies, now)


async def limit_rates(
    state: AccountState, currencies: Set[str], now: datetime
) -> Mapping[str, Decimal]:
    """Return the worth of the currencies in the currency of limits, maybe with others."""
    unit = state.limit_currency
    if unit in DOLLARS:
        if currencies <= DOLLARS:
            return _OF_DOLLARS
        return await read_rates(state, currencies, now)
    others = {*currencies} - {unit}
    dollars = await read_rates(state, {unit, *others}, now) if others else {}
    return rates_into(unit, dollars)


async def read_rates(
    state: AccountState, currencies: Collection[str], now: datetime
) -> Mapping[str, Decimal]:
    """Return the worth of the currencies in dollars.

    A currency without a price is absent.
    """
    rates: dict[str, Decimal] = {}
    for currency in currencies:
        if currency in DOLLARS:
            rates[currency] = _ONE
            continue
        for symbol, is_inverse in conversions(currency, state.exchange.instruments()):
            quote = await state.exchange.fetch_quote(symbol, now)
            if quote is not None:
                rates[currency] = divide(_ONE, quote.mid) if is_inverse else quote.mid
                break
    return rates
