"""The quantity of an entry, by the sizing rules of signals."""

from decimal import Decimal

from oms.backtest.settings import BacktestSettings
from oms.domain.errors import Refused
from oms.domain.side import Side
from oms.domain.signals.signal import Sizing, SizingKind
from oms.domain.signals.sizing import SizingInputs, size_by_rule, slipped_price


def entry_quantity(
    settings: BacktestSettings,
    side: Side,
    price: Decimal,
    equity: Decimal,
    *,
    risk_pct: Decimal | None,
    stop_loss: Decimal | None,
) -> Decimal | Refused:
    """Return the quantity of an entry at ``price``, an open, from a flat account.

    ``position_pct`` of the equity, or what the cash pays for after slippage and fee. ``risk_pct``
    sizes by the distance of the stop loss up to that.
    """
    inputs = SizingInputs(
        instrument=settings.instrument,
        price=price,
        equity=equity,
        cash=equity,
        fee_rate=settings.commission,
        stop_loss=stop_loss,
        fill_price=slipped_price(price, settings.slippage, side, settings.instrument.tick),
    )
    largest = size_by_rule(
        Sizing(kind=SizingKind.POSITION_PCT, value=settings.position_pct), inputs
    )
    if risk_pct is None or isinstance(largest, Refused):
        return largest
    qty = size_by_rule(Sizing(kind=SizingKind.RISK_PCT, value=risk_pct), inputs)
    return qty if isinstance(qty, Refused) else min(qty, largest)
