"""Freqtrade strategies for tests: they enter with the first candle and exit after a few seconds.

Imported by freqtrade in its own environment.
"""

from datetime import UTC, datetime, timedelta
from typing import ClassVar

from freqtrade.persistence import Trade
from freqtrade.strategy import IStrategy
from pandas import DataFrame

HOLDING_TIME = timedelta(seconds=15)
NEAR_STOP = -0.003
"""The loss at which a stop is set, relative to the margin: with leverage 3 a move of 0.1 %."""


class RoundTrip(IStrategy):
    """Enters by a marketable limit order, exits by a market order; a stop rests in between."""

    INTERFACE_VERSION = 3
    timeframe = "1m"
    startup_candle_count = 30
    process_only_new_candles = False
    minimal_roi: ClassVar = {"0": 10}
    stoploss = -0.2
    order_types: ClassVar = {
        "entry": "limit",
        "exit": "market",
        "stoploss": "limit",
        "stoploss_on_exchange": True,
    }

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["mean"] = dataframe["close"].rolling(20).mean()
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[dataframe["mean"].notna(), "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe

    def custom_exit(
        self,
        pair: str,
        trade: Trade,
        current_time: datetime,
        current_rate: float,
        current_profit: float,
        **kwargs: object,
    ) -> str | None:
        held = datetime.now(UTC) - trade.open_date_utc
        return "held_long_enough" if held >= HOLDING_TIME else None


class RoundTripFutures(RoundTrip):
    """The same on contracts with a leverage of 3: long on BTC, short on the others.

    The shorts end by a stop at the exchange that follows the price closely: it is replaced.
    """

    can_short = True
    use_custom_stoploss = True

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        is_long = metadata["pair"].startswith("BTC/")
        name = "enter_long" if is_long else "enter_short"
        dataframe.loc[dataframe["mean"].notna(), name] = 1
        return dataframe

    def custom_stoploss(
        self,
        pair: str,
        trade: Trade,
        current_time: datetime,
        current_rate: float,
        current_profit: float,
        after_fill: bool,
        **kwargs: object,
    ) -> float | None:
        return NEAR_STOP if trade.is_short else None

    def custom_exit(self, pair: str, trade: Trade, *args: object, **kwargs: object) -> str | None:
        return None if trade.is_short else super().custom_exit(pair, trade, *args, **kwargs)

    def leverage(self, pair: str, **kwargs: object) -> float:
        return 3.0
