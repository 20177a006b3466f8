"""Stop loss, take profit and trailing stop of the position of a backtest, as orders."""

from datetime import datetime
from decimal import Decimal

from oms.backtest.result import ExecutionReason
from oms.backtest.settings import BacktestSettings
from oms.backtest.simulated_account import SimulatedAccount
from oms.domain.market.candle import Candle
from oms.domain.orders.order_rounding import round_gain, round_stop
from oms.domain.protection.level_prices import level_from_percent
from oms.domain.side import Side
from oms.domain.value import value
from oms.strategies.strategy import Decision


@value
class LevelPrices:
    """Absolute levels of an entry; ``None`` places none."""

    stop_loss: Decimal | None
    take_profit: Decimal | None


def level_prices(
    settings: BacktestSettings, decision: Decision, side: Side, price: Decimal
) -> LevelPrices:
    """Return the levels of the decision, else those that the settings give from ``price``.

    They are on the tick, as orders at an exchange are: on the side that is reached earlier.
    """
    is_long, tick, exit_side = side is Side.BUY, settings.instrument.tick, side.opposite
    loss, gain = decision.stop_loss, decision.stop_gain
    loss = None if loss is None else round_stop(loss, exit_side, tick)
    gain = None if gain is None else round_gain(gain, exit_side, tick)
    if loss is None and settings.stop_loss_pct is not None:
        loss = level_from_percent(price, settings.stop_loss_pct, tick, is_above=not is_long)
    if gain is None and settings.take_profit_pct is not None:
        gain = level_from_percent(price, settings.take_profit_pct, tick, is_above=is_long)
    return LevelPrices(stop_loss=loss, take_profit=gain)


class PositionLevels:
    """The orders at the levels of one position.

    One stop order stands at the tighter of stop loss and trailing level. The trailing level follows
    the best price of earlier candles, so a candle is judged before it moves the level.
    """

    def __init__(
        self,
        account: SimulatedAccount,
        settings: BacktestSettings,
        prices: LevelPrices,
        entry_price: Decimal,
        at: datetime,
    ) -> None:
        self._account = account
        self._tick = settings.instrument.tick
        self._is_long = account.qty > 0
        self._percent = settings.stop_trailing_pct
        self._best = entry_price
        self._level = prices.stop_loss
        self._stop = ""
        self._take_profit = ""
        if prices.stop_loss is not None:
            self._stop = self._place_stop(prices.stop_loss, at, ExecutionReason.STOP_LOSS)
        if prices.take_profit is not None:
            self._take_profit = account.place_level(
                "take_profit_market", prices.take_profit, at, ExecutionReason.TAKE_PROFIT
            )
        self._trail(at)

    def follow(self, candle: Candle, at: datetime) -> None:
        """Move the trailing stop after the candle was judged."""
        if self._percent is None:
            return
        best = max(self._best, candle.high) if self._is_long else min(self._best, candle.low)
        if best != self._best:
            self._best = best
            self._trail(at)

    def cancel(self, at: datetime) -> None:
        """Cancel what is open."""
        self._account.cancel_order(self._stop, at)
        self._account.cancel_order(self._take_profit, at)

    def _trail(self, at: datetime) -> None:
        if self._percent is None:
            return
        level = level_from_percent(
            self._best, self._percent, self._tick, is_above=not self._is_long
        )
        if self._level is None or (level > self._level) is self._is_long:
            self._account.cancel_order(self._stop, at)
            self._level = level
            self._stop = self._place_stop(level, at, ExecutionReason.TRAILING)

    def _place_stop(self, price: Decimal, at: datetime, reason: ExecutionReason) -> str:
        return self._account.place_level("stop_market", price, at, reason)
