"""An account in one instrument at the paper exchange's engine, without latency and depth."""

from datetime import datetime
from decimal import Decimal

from oms.backtest.result import ExecutionReason
from oms.backtest.settings import BacktestSettings
from oms.domain.instrument import InstrumentKind
from oms.domain.market.candle import Candle
from oms.domain.money import ZERO, add, multiply, subtract
from oms.domain.side import Side
from oms.domain.value import evolve, value
from oms.simulation.events import Filled, Rejected
from oms.simulation.inputs import CancelOrder, CandleClosed, Input, NewOrder, QuoteUpdate
from oms.simulation.settings import FeeRates, FillModel, SimulationSettings
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.paper_account import Balance
from oms.simulation.state.paper_order import PLAIN_TERMS, Leg, OrderSource, OrderTerms, PaperTrade
from oms.simulation.step import step

_NOTHING = Balance()


@value
class Fill:
    """One execution and why its order was sent."""

    trade: PaperTrade
    reason: ExecutionReason


class SimulatedAccount:
    """Orders, position and money of a backtest."""

    def __init__(self, settings: BacktestSettings) -> None:
        instrument = settings.instrument
        self._symbol = instrument.symbol
        self._currency = instrument.settle
        rates = FeeRates(maker=settings.commission, taker=settings.commission)
        self._settings = SimulationSettings(
            instruments={instrument.symbol: instrument},
            fees={InstrumentKind.LINEAR: rates},
            leverage=1,
            funding_rate=ZERO,
            slippage=settings.slippage,
            fill=FillModel.THROUGH,
            volume_cap_pct=settings.volume_cap_pct,
        )
        self._state = ExchangeState(
            balances={instrument.settle: Balance(free=settings.initial_balance)}
        )
        self._orders = 0
        self._update()

    def _update(self) -> None:
        """Read quantity, cost and wallet of the state."""
        position = self._state.positions.get((self._symbol, Leg.BOTH))
        self.qty = ZERO if position is None else position.qty
        self._cost = ZERO if position is None else position.cost
        self._wallet = self._state.balances.get(self._currency, _NOTHING).total

    @property
    def needs_candles(self) -> bool:
        """Return whether a candle could execute an order or liquidate the position."""
        return bool(self._state.orders) or self.qty < 0

    def equity(self, price: Decimal) -> Decimal:
        """Return the equity in quote with the position valued at ``price``."""
        if not self.qty:
            return self._wallet
        return add(self._wallet, subtract(multiply(self.qty, price), self._cost))

    def apply_quote(self, price: Decimal, at: datetime) -> list[Fill]:
        """Set the market to one price without spread; returns what that executed."""
        return self._apply(QuoteUpdate(symbol=self._symbol, bid=price, ask=price, at=at))[0]

    def apply_candle(self, candle: Candle, at: datetime) -> list[Fill]:
        """Execute the levels that the candle reached; ``at`` is its close time."""
        update = CandleClosed(
            symbol=self._symbol,
            open=candle.open,
            high=candle.high,
            low=candle.low,
            close=candle.close,
            volume=candle.volume or ZERO,
            at=at,
        )
        return self._apply(update)[0]

    def open_position(
        self, side: Side, qty: Decimal, at: datetime
    ) -> tuple[list[Fill], Rejected | None]:
        """Execute a market order at the last quote."""
        order = self._new_order("market", side, qty, at, ExecutionReason.SIGNAL)
        return self._apply(order)

    def close_position(self, at: datetime, reason: ExecutionReason) -> list[Fill]:
        """Execute a market order for all of the position at the last quote."""
        side = Side.SELL if self.qty > 0 else Side.BUY
        return self._apply(self._new_order("market", side, self.qty.copy_abs(), at, reason))[0]

    def pay(self, amount: Decimal, at: datetime) -> None:
        """Add an amount to the cash, or take a negative one; no order is executed by it."""
        if not amount:
            return
        balance = self._state.balances.get(self._currency, _NOTHING)
        paid = evolve(balance, free=add(balance.free, amount))
        self._state = evolve(self._state, balances={**self._state.balances, self._currency: paid})
        self._update()

    def place_level(
        self, order_type: str, price: Decimal, at: datetime, reason: ExecutionReason
    ) -> str:
        """Place a conditional market order that closes the position; returns its client id."""
        side = Side.SELL if self.qty > 0 else Side.BUY
        terms = OrderTerms(trigger_price=price)
        order = self._new_order(order_type, side, self.qty.copy_abs(), at, reason, terms)
        _, rejected = self._apply(order)
        assert rejected is None, rejected
        return order.client_id

    def cancel_order(self, client_id: str, at: datetime) -> None:
        """Cancel an open order, if it still is open."""
        for order in self._state.orders.get(self._symbol, {}).values():
            if order.client_id == client_id:
                self._apply(
                    CancelOrder(
                        client_id=client_id,
                        exchange_order_id=order.exchange_order_id,
                        symbol=self._symbol,
                        at=at,
                    )
                )
                return

    def _new_order(
        self,
        order_type: str,
        side: Side,
        qty: Decimal,
        at: datetime,
        reason: ExecutionReason,
        terms: OrderTerms = PLAIN_TERMS,
    ) -> NewOrder:
        self._orders += 1
        return NewOrder(
            client_id=f"{reason.value}-{self._orders}",
            symbol=self._symbol,
            side=side,
            order_type=order_type,
            qty=qty,
            price=None,
            reduce_only=bool(self.qty),
            terms=terms,
            at=at,
        )

    def _apply(self, input: Input) -> tuple[list[Fill], Rejected | None]:
        result = step(self._state, input, self._settings)
        self._state = result.state
        fills, rejected = [], None
        for event in result.events:
            if isinstance(event, Filled):
                fills.append(Fill(trade=event.trade, reason=_reason_of(event.trade)))
            elif isinstance(event, Rejected):
                rejected = event
        if result.changes.books:
            self._update()
        return fills, rejected


def _reason_of(trade: PaperTrade) -> ExecutionReason:
    if trade.source is OrderSource.LIQUIDATION:
        return ExecutionReason.LIQUIDATION
    return ExecutionReason(trade.client_id.partition("-")[0])
