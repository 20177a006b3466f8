"""The order of a signal that opens exposure: checked, sized and with its stop levels."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from oms.domain.account import PositionMode
from oms.domain.commands.command import SendOrder
from oms.domain.errors import Refused
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import divide, multiply
from oms.domain.orders.order import Side
from oms.domain.orders.order_rounding import round_stop
from oms.domain.protection.level_prices import level_from_percent
from oms.domain.quotes import Quote
from oms.domain.signals.plan import Opening
from oms.domain.signals.signal import ExecuteSignal, LevelReference, SignalAction, SignalKind
from oms.domain.signals.sizing import (
    SizingInputs,
    needs_equity,
    opening_quantity,
    refuse_below_minimum,
    refuse_pyramiding,
    refuse_slippage,
    slipped_price,
)
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.commands.policy_limits import read_equity, read_rates
from oms.services.signals.signal_scope import count_entries

_ORDER_REASONS = {
    SignalKind.TRADINGVIEW: "tradingview",
    SignalKind.STRATEGY: "strategy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOpening:
    """Makes the opening order of a signal."""

    ledger: LedgerStore

    async def __call__(
        self, state: AccountState, signal: ExecuteSignal, opening: Opening, now: datetime
    ) -> SendOrder | Refused:
        """Return the order, or why it is not sent. Raises ``Unavailable``."""
        rules, side = signal.rules, opening.side
        quote = await state.exchange.fetch_quote(signal.symbol, now)
        market = market_price(quote, side)
        if not is_limit(signal):
            refused = refuse_slippage(signal, market, rules.max_signal_slippage_pct)
            if refused is not None:
                return refused
        if rules.pyramiding_max:
            entries = await count_entries(self.ledger, state, signal, side)
            if (refused := refuse_pyramiding(entries, rules.pyramiding_max)) is not None:
                return refused
        price = signal.price if is_limit(signal) else market
        qty = await _quantity(state, signal, opening, price, now)
        return qty if isinstance(qty, Refused) else _order(state, signal, side, qty)


def is_limit(signal: ExecuteSignal) -> bool:
    """Return whether its orders are limit orders; a size is reached by market orders."""
    return signal.order_type == "limit" and signal.action is not SignalAction.POSITION_SIZE


def market_price(quote: Quote | None, side: Side) -> Decimal | None:
    """Return the price that a market order hits."""
    if quote is None:
        return None
    return quote.ask if side is Side.BUY else quote.bid


def order_reason(signal: ExecuteSignal) -> str:
    """Return the reason that orders of the signal have."""
    return _ORDER_REASONS.get(signal.kind, "signal")


async def _quantity(
    state: AccountState,
    signal: ExecuteSignal,
    opening: Opening,
    price: Decimal | None,
    now: datetime,
) -> Decimal | Refused:
    instrument = state.exchange.instruments()[signal.symbol]
    if opening.qty is not None:
        return refuse_below_minimum(instrument, opening.qty, price) or opening.qty
    equity: Decimal | None = None
    terms = state.exchange.terms(signal.symbol)
    if needs_equity(signal):
        equity = await _equity_in(state, instrument.quote, now)
    inputs = SizingInputs(
        instrument=instrument,
        price=price,
        equity=equity,
        cash=equity,
        fee_rate=Decimal(0) if terms is None else terms.taker,
        stop_loss=_stop_loss(signal, opening.side, price, instrument.tick),
        fill_price=_fill_price(state, opening.side, price, instrument.tick),
    )
    return opening_quantity(signal, inputs)


async def _equity_in(state: AccountState, currency: str, now: datetime) -> Decimal | None:
    """Return the equity of the account in a currency, ``None`` if it is not known."""
    equity = await read_equity(state, now)
    if equity.equity is None or equity.currency == currency:
        return equity.equity
    rates = await read_rates(state, {currency, equity.currency}, now)
    own, wanted = rates.get(equity.currency), rates.get(currency)
    if own is None or not wanted:
        return None
    return divide(multiply(equity.equity, own), wanted)


def _fill_price(
    state: AccountState, side: Side, price: Decimal | None, tick: Decimal
) -> Decimal | None:
    """Return the price that a market order has after the slippage of a paper account."""
    if price is None or state.paper is None:
        return None
    return slipped_price(price, state.account.paper.slippage, side, tick)


def _stop_loss(
    signal: ExecuteSignal, side: Side, price: Decimal | None, tick: Decimal
) -> Decimal | None:
    """Return the stop loss that the position will have if it is filled at ``price``."""
    if signal.stop_loss is not None:
        return round_stop(signal.stop_loss, side.opposite, tick)
    if signal.stop_loss_pct is None:
        return None
    from_signal = signal.rules.tp_sl_base is LevelReference.SIGNAL
    base = signal.signal_price if from_signal and signal.signal_price is not None else price
    if base is None:
        return None
    return level_from_percent(base, signal.stop_loss_pct, tick, is_above=side is Side.SELL)


def _order(state: AccountState, signal: ExecuteSignal, side: Side, qty: Decimal) -> SendOrder:
    rules = signal.rules
    loss_pct = signal.stop_loss_pct if signal.stop_loss is None else None
    gain_pct = signal.stop_gain_pct if signal.stop_gain is None else None
    has_percent = loss_pct is not None or gain_pct is not None
    from_signal = has_percent and rules.tp_sl_base is LevelReference.SIGNAL
    is_hedge = state.account.position_mode is PositionMode.HEDGE
    return SendOrder(
        symbol=signal.symbol,
        side=side,
        order_type="limit" if is_limit(signal) else "market",
        qty=qty,
        price=signal.price if is_limit(signal) else None,
        stop_loss=signal.stop_loss,
        stop_gain=signal.stop_gain,
        stop_loss_pct=loss_pct,
        stop_gain_pct=gain_pct,
        tp_sl_base_price=signal.signal_price if from_signal else None,
        stop_trailing_pct=rules.stop_trailing_pct,
        max_hold_seconds=rules.max_hold_seconds,
        strategy_id=signal.strategy_id,
        reason=order_reason(signal),
        comment=signal.comment,
        new_position=is_hedge and rules.is_new_entry,
        signal_id=signal.signal_id,
        source_id=signal.source_id or None,
        bot_id=signal.bot_id,
    )


def can_short(state: AccountState, instrument: Instrument) -> bool:
    """Return whether the account can hold short positions of an instrument."""
    if instrument.kind is not InstrumentKind.SPOT:
        return True
    return state.paper is not None and state.account.paper.allow_spot_short
