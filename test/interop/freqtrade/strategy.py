"""A freqtrade strategy without an opinion: in with the first candle, out after a few seconds.

Read by freqtrade in an environment of its own, never by ours.
"""

from datetime import UTC, datetime, timedelta
from typing import ClassVar

from freqtrade.persistence import Trade
from freqtrade.strategy import IStrategy
from pandas import DataFrame

HELD = timedelta(seconds=15)


class RoundTrip(IStrategy):
    """Enters by a limit order that takes, leaves by a market order; a stop rests in between."""

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
        return "held_long_enough" if held >= HELD else None
