"""Round trips of a backtest: its executions folded into positions by the ledger's own rule."""

from datetime import datetime
from decimal import Decimal

from oms.backtest.result import Execution, ExecutionReason, RoundTrip
from oms.backtest.simulated_account import Fill
from oms.domain.instrument import Instrument
from oms.domain.ledger.position import Fill as PositionFill
from oms.domain.ledger.position import Position, apply_fill
from oms.domain.money import divide, multiply
from oms.domain.side import Side

_HUNDRED = Decimal(100)


class RoundTripBook:
    """Executions, and the round trips that they made."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._position: Position | None = None
        self._opened_at_bar = 0
        self.executions: list[Execution] = []
        self.round_trips: list[RoundTrip] = []

    def book(self, fill: Fill, bar: int) -> None:
        """Apply an execution that was made during the candle of number ``bar``."""
        trade, reason = fill.trade, fill.reason
        delta = trade.qty if trade.side is Side.BUY else trade.qty.copy_negate()
        position = self._position or self._open(trade.side, trade.executed_at, bar)
        position, _ = apply_fill(
            position,
            self._instrument,
            PositionFill(
                delta=delta,
                price=trade.price,
                fee=trade.fee,
                fee_currency=trade.fee_currency,
                reason=reason.value,
                executed_at=trade.executed_at,
                received_at=trade.executed_at,
            ),
        )
        self.executions.append(
            Execution(
                at=trade.executed_at,
                side=trade.side,
                qty=trade.qty,
                price=trade.price,
                value=multiply(trade.qty, trade.price),
                fee=trade.fee,
                reason=reason,
                round_trip=position.id,
            )
        )
        self._position = position if position.is_open else None
        if not position.is_open:
            self.round_trips.append(_round_trip(position, bar - self._opened_at_bar, reason))

    def _open(self, side: Side, at: datetime, bar: int) -> Position:
        number = len(self.round_trips) + 1
        self._opened_at_bar = bar
        return Position(
            id=number,
            account_id=1,
            symbol=self._instrument.symbol,
            strategy_id=0,
            side=side,
            identifier=number,
            opened_at=at,
            updated_at=at,
        )


def _round_trip(position: Position, bars_held: int, reason: ExecutionReason) -> RoundTrip:
    closed_at, price = position.closed_at, position.close_price
    assert closed_at is not None and price is not None, "a closed position has both"
    worth = multiply(position.avg_price, position.qty_opened)
    return RoundTrip(
        number=position.id,
        side=position.side,
        entry_time=position.opened_at,
        entry_price=position.avg_price,
        exit_time=closed_at,
        exit_price=price,
        qty=position.qty_opened,
        fees=sum(position.fees.values(), Decimal(0)),
        pnl=position.realized_pnl,
        pnl_pct=divide(multiply(position.realized_pnl, _HUNDRED), worth),
        bars_held=bars_held,
        exit_reason=reason,
    )
