"""Funding: at 00:00, 08:00 and 16:00 UTC longs pay shorts, or the reverse.

Each position records the time up to which it is settled, so each funding time is settled once,
however many were missed, at the mark price known when the clock of the state passes it. Where no
price is known yet, the first one received is used.
"""

from datetime import datetime
from decimal import Decimal

from oms.domain.money import ZERO, add, multiply, round_to_scale, subtract
from oms.domain.value import evolve
from oms.simulation.account.costs import settle_value
from oms.simulation.account.funding_schedule import FUNDING_INTERVAL, last_funding_time
from oms.simulation.events import FundingPaid
from oms.simulation.inputs import (
    BookUpdate,
    CandleClosed,
    FundingRateUpdate,
    Input,
    MarkPriceUpdate,
    QuoteUpdate,
    TradeTick,
)
from oms.simulation.market.matching import market_from_update
from oms.simulation.state.contract_overrides import NO_OVERRIDES, MarginMode
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.paper_account import PaperPosition
from oms.simulation.state.step_state import StepState


def next_funding_payment(state: ExchangeState) -> datetime | None:
    """Returns when a position pays next; ``None`` without positions or without their prices."""
    times = [
        last_funding_time(position.funded_at) + FUNDING_INTERVAL
        for position in state.positions.values()
        if position.funded_at is not None and position.symbol in state.markets
    ]
    return min(times, default=None)


def settle_funding(state: StepState, input: Input) -> None:
    """Settles the funding times passed before ``input`` is processed, the oldest first."""
    due = last_funding_time(state.at)
    unsettled = [
        (position.funded_at, key, position)
        for key, position in state.positions.items()
        if position.funded_at is not None and position.funded_at < due
    ]
    if not unsettled:
        return
    timestamp = last_funding_time(min(since for since, _, _ in unsettled)) + FUNDING_INTERVAL
    marks = {key[0]: _mark(state, key[0], input) for _, key, _ in unsettled}
    while timestamp <= due:
        for since, key, _ in sorted(unsettled, key=lambda each: each[1]):
            mark = marks[key[0]]
            if mark is not None and since < timestamp:
                _pay(state, state.positions[key], mark, timestamp)
        timestamp += FUNDING_INTERVAL


def apply_funding_rate(state: StepState, update: FundingRateUpdate) -> None:
    """Sets the funding rate from the next funding time on."""
    terms = state.contracts.get(update.symbol, NO_OVERRIDES)
    if terms.funding_rate != update.rate:
        state.set_contract_overrides(update.symbol, evolve(terms, funding_rate=update.rate))


def _pay(state: StepState, position: PaperPosition, mark: Decimal, timestamp: datetime) -> None:
    """Pays − signed quantity × mark × rate; on isolated positions it changes the margin."""
    instrument, symbol = state.instruments[position.symbol], position.symbol
    terms = state.contracts.get(symbol, NO_OVERRIDES)
    rate = state.settings.funding_rate if terms.funding_rate is None else terms.funding_rate
    amount = round_to_scale(
        multiply(settle_value(instrument, position.qty, mark), rate).copy_negate()
    )
    margin = position.margin
    if amount:
        state.credit(instrument.settle, amount)
        state.settled_currencies.add(instrument.settle)
        state.events.append(
            FundingPaid(
                funding_id=f"f-{symbol}-{position.leg}-{timestamp:%Y%m%dT%H}",
                symbol=symbol,
                leg=position.leg,
                amount=amount,
                currency=instrument.settle,
                rate=rate,
                mark=mark,
                at=timestamp,
            )
        )
        if state.settings.margin_mode_of(terms) is MarginMode.ISOLATED:
            margin = max(add(margin, amount), ZERO)
            state.lock(instrument.settle, subtract(margin, position.margin))
    after = evolve(position, margin=margin, funded_at=timestamp)
    state.put_position((symbol, position.leg), after)


def _mark(state: StepState, symbol: str, input: Input) -> Decimal | None:
    """Returns the mark price before the input; without one, the price of the input."""
    market = state.markets.get(symbol)
    if market is not None and market.mark_price is not None:
        return market.mark_price
    match input:
        case QuoteUpdate() | BookUpdate() if input.symbol == symbol:
            return market_from_update(input).mark_price
        case MarkPriceUpdate() | TradeTick() if input.symbol == symbol:
            return input.price
        case CandleClosed() if input.symbol == symbol:
            return input.open
    return None
