"""What an order would cost and leave, as its worker knows it at this moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.allocation import AllocationSpec
from oms.domain.ledger.expected_positions import ExpectedPosition, expected_positions
from oms.domain.money import ZERO, add, decimal_text, divide, multiply, round_to_scale, subtract
from oms.domain.orders.order import Side
from oms.domain.orders.order_types import LIMIT_TYPES, TRIGGERED_TYPES
from oms.domain.quotes import Quote
from oms.domain.risk.admission import ApprovedOrder
from oms.domain.risk.exposure import Entry
from oms.domain.risk.judgement import LimitVerdict, limit_checks
from oms.domain.risk.valuation import valuation_of
from oms.services.account_state.state import AccountState
from oms.services.commands.policy_limits import market_of, read_rates
from oms.wire.json import optional_decimal_text, time_text
from oms.wire.responses.preview_rows import (
    PreviewCosts,
    PreviewLimitRow,
    PreviewOrderRow,
    PreviewPositionRow,
    PreviewQuoteRow,
    PreviewRow,
)
from oms.wire.responses.risk_policy_rows import VerdictRow

_UNKNOWN: PreviewCosts = {
    "valuation_price": None,
    "quote": None,
    "currency": None,
    "notional": None,
    "fee": None,
    "margin": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedOrder:
    """An order that a command would send or change."""

    order: ApprovedOrder
    #: What is left to execute of it.
    entry: Entry
    is_refused: bool


async def preview_row(
    state: AccountState,
    verdict: VerdictRow,
    command: str,
    judged: JudgedOrder | None,
    limits: Sequence[LimitVerdict],
    now: datetime,
) -> PreviewRow:
    """Return the preview of a command. Raises ``Unavailable``."""
    row: PreviewRow = {
        **verdict,
        **_UNKNOWN,
        "command": command,
        "as_of_seq": state.head_seq,
        "order": None if judged is None else _order_row(judged),
        "limits": [_limit_row(each) for each in limits],
        "positions": [],
    }
    if judged is None:
        return row
    instrument = state.exchange.instruments().get(judged.order.symbol)
    if instrument is None:
        return row
    quote = await state.exchange.fetch_quote(instrument.symbol, now)
    price = valuation_of(judged.entry, None if quote is None else market_of(quote))
    after = _positions_after(state, judged, instrument, price)
    costs = await _costs(state, judged, instrument, quote, price, after, now)
    positions = [] if judged.is_refused else [_position_row(each) for each in after]
    return {**row, **costs, "positions": positions}


def _positions_after(
    state: AccountState, judged: JudgedOrder, instrument: Instrument, price: Decimal | None
) -> list[ExpectedPosition]:
    order, entry = judged.order, judged.entry
    is_spot_sale = instrument.kind is InstrumentKind.SPOT and order.side is Side.SELL
    spec = AllocationSpec(
        side=order.side,
        strategy_id=order.strategy_id,
        ticket_ids=(order.position_id,) if order.position_id else (),
        reduce_only=order.reduce_only,
        opens_ticket=entry.new_position,
        has_explicit_ticket=order.position_id != 0,
        never_opens=is_spot_sale and order.reduce_only,
    )
    held = state.positions_in(instrument.symbol)
    return expected_positions(state.account.position_mode, spec, held, instrument, entry.qty, price)


async def _costs(
    state: AccountState,
    judged: JudgedOrder,
    instrument: Instrument,
    quote: Quote | None,
    price: Decimal | None,
    after: Sequence[ExpectedPosition],
    now: datetime,
) -> PreviewCosts:
    """Return what the order costs, in the currency of the account's equity."""
    currency = instrument.quote
    if state.read_equity is not None:
        currency = (await state.read_equity(state.account.id, now, "UTC")).currency or currency
    costs: PreviewCosts = {
        **_UNKNOWN,
        "valuation_price": optional_decimal_text(price),
        "quote": None if quote is None else _quote_row(quote, now),
        "currency": currency,
    }
    rate: Decimal | None = Decimal(1)
    if currency != instrument.quote:
        rates = await read_rates(state, {currency, instrument.quote}, now)
        own, theirs = rates.get(instrument.quote), rates.get(currency)
        rate = divide(own, theirs) if own is not None and theirs else None
    if price is None or rate is None:
        return costs
    notional = multiply(instrument.notional(judged.entry.qty, price), rate)
    costs["notional"] = decimal_text(round_to_scale(notional))
    terms = state.exchange.terms(instrument.symbol)
    if terms is None:
        return costs
    share = terms.maker if _rests(judged.entry, quote) else terms.taker
    costs["fee"] = decimal_text(round_to_scale(multiply(notional, share)))
    if instrument.kind is not InstrumentKind.SPOT:
        closed = ZERO
        for each in after:
            closed = add(closed, each.closed_qty)
        opens = ZERO if judged.order.reduce_only else subtract(judged.entry.qty, closed)
        worth = multiply(instrument.notional(opens, price), rate)
        costs["margin"] = decimal_text(round_to_scale(divide(worth, Decimal(terms.leverage))))
    return costs


def _rests(entry: Entry, quote: Quote | None) -> bool:
    """Return whether the order would rest at its limit before it is filled."""
    if entry.order_type not in LIMIT_TYPES or entry.order_type in TRIGGERED_TYPES:
        return False
    if entry.price is None or quote is None or not entry.rests:
        return False
    return entry.price < quote.ask if entry.side is Side.BUY else entry.price > quote.bid


def _order_row(judged: JudgedOrder) -> PreviewOrderRow:
    order, entry = judged.order, judged.entry
    return {
        "symbol": order.symbol,
        "side": order.side.value,
        "order_type": order.order_type,
        "qty": decimal_text(order.qty),
        "price": optional_decimal_text(order.price),
        "trigger_price": optional_decimal_text(entry.trigger_price),
        "time_in_force": entry.time_in_force,
        "reduce_only": order.reduce_only,
        "post_only": order.post_only,
        "strategy_id": order.strategy_id,
        "position_id": order.position_id,
    }


def _quote_row(quote: Quote, now: datetime) -> PreviewQuoteRow:
    age = (now - quote.at).total_seconds()
    return {
        "bid": decimal_text(quote.bid),
        "ask": decimal_text(quote.ask),
        "at": time_text(quote.at),
        "age_ms": max(0, round(age * 1000)),
    }


def _position_row(after: ExpectedPosition) -> PreviewPositionRow:
    return {
        "position_id": after.position_id,
        "strategy_id": after.strategy_id,
        "side": after.side.value,
        "qty": decimal_text(after.qty),
        "avg_price": optional_decimal_text(after.avg_price),
        "closed_qty": decimal_text(after.closed_qty),
    }


def _limit_row(verdict: LimitVerdict) -> PreviewLimitRow:
    (ruling, measured, _), (check,) = verdict, limit_checks([verdict])
    limit = ruling.limit
    headroom = None
    if isinstance(limit.setting, Decimal) and measured is not None:
        headroom = subtract(limit.setting, measured)
        if limit.key.startswith("min_"):
            headroom = headroom.copy_negate() if headroom else headroom
    return {
        "key": check.key,
        "scope": check.scope,
        "scope_id": check.scope_id,
        "limit": check.limit,
        "value": check.measured,
        "passed": check.passed,
        "headroom": optional_decimal_text(headroom),
        "set_by": limit.set_by,
        "set_by_user_id": limit.set_by_user_id,
        "set_at": time_text(limit.set_at),
    }
