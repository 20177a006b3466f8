"""Candles of an exchange through a client without a key."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.decimals import to_decimal
from oms.adapters.ccxt.prices.public_client import PublicClient
from oms.domain.errors import Invalid, NotFound, Unavailable
from oms.domain.instrument import Instrument
from oms.domain.market.candle import Candle, check_candle
from oms.domain.market.market_instrument import AssetClass, MarketInstrument, TradingSession
from oms.domain.market.timeframe import Timeframe
from oms.domain.market_hours import Session
from oms.domain.money import round_to_scale
from oms.ports.market.candle_fetcher import FetchedCandles

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class CcxtCandleFetcher:
    """``ports.market.candle_fetcher.CandleFetcher`` over an open client.

    Numbers are exact; volumes are those that ccxt reports, in base at most exchanges.
    """

    def __init__(self, exchange: str, client: PublicClient) -> None:
        self._exchange = exchange
        self._client = client

    def instruments(self) -> Sequence[MarketInstrument]:
        """Return what the exchange trades, with ids of 0."""
        rows = self._client.instruments.values()
        return [_market_instrument(self._exchange, each) for each in rows]

    async def fetch(
        self, symbol: str, timeframe: Timeframe, since: datetime, limit: int
    ) -> FetchedCandles:
        """Return candles that open from ``since`` on.

        Raises ``NotFound``, ``Invalid``, ``Unavailable``.
        """
        if symbol not in self._client.instruments:
            message = f"{self._exchange} has no market {symbol}"
            raise NotFound(message, reason="unknown_instrument")
        known = self._client.timeframes()
        if timeframe.value not in known:
            message = f"{self._exchange} has no candles of {timeframe.value}"
            raise Invalid(f"{message}; it has {', '.join(known) or 'none'}")
        since_ms = (since - _EPOCH) // _MILLISECOND
        try:
            rows = await self._client.call("fetch_ohlcv", symbol, timeframe.value, since_ms, limit)
        except ReadFailed as failed:
            message = f"{self._exchange}: {failed.message}"
            raise Unavailable(message, code="exchange_unavailable") from None
        return parse_candles(rows, timeframe)


def parse_candles(rows: Sequence[Any], timeframe: Timeframe) -> FetchedCandles:
    """Return the candles of ccxt's rows ``[milliseconds, open, high, low, close, volume]``.

    Of several rows of one time the last counts; rows that are no valid candle are counted.
    """
    candles: dict[datetime, Candle] = {}
    invalid = 0
    for row in rows:
        try:
            candle = _candle(row)
            check_candle(candle, timeframe)
        except (ValueError, TypeError, IndexError, OverflowError, Invalid):
            invalid += 1
        else:
            candles[candle.open_time] = candle
    return FetchedCandles(candles=[candles[time] for time in sorted(candles)], invalid=invalid)


def _candle(row: Sequence[Any]) -> Candle:
    opened, high, low, close, volume = (
        None if number is None else round_to_scale(number)
        for number in map(to_decimal, (*row[1:6], None)[:5])
    )
    if opened is None or high is None or low is None or close is None:
        raise ValueError("a price is missing")
    return Candle(
        open_time=_EPOCH + int(row[0]) * _MILLISECOND,
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=volume,
    )


def _market_instrument(exchange: str, row: Instrument) -> MarketInstrument:
    is_crypto = row.session is Session.CONTINUOUS
    return MarketInstrument(
        id=0,
        exchange=exchange,
        symbol=row.symbol,
        base=row.base,
        quote=row.quote,
        asset_class=AssetClass.CRYPTO if is_crypto else AssetClass.STOCK,
        market_type="swap" if ":" in row.symbol else "spot",
        session=TradingSession.CONTINUOUS if is_crypto else TradingSession.US_EQUITY,
        price_tick=row.tick,
        qty_step=row.step,
        min_qty=row.step,
        min_notional=row.min_notional,
        contract_size=row.contract_size,
    )
