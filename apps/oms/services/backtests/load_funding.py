"""Gives a backtest of a contract the funding rates that are stored of it."""

from oms.backtest.settings import BacktestSettings
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.value import evolve
from oms.ports.market.funding_rates import FundingRates

SPOT = "spot"


async def with_funding(
    rates: FundingRates, instrument: MarketInstrument, settings: BacktestSettings
) -> BacktestSettings:
    """Return settings with the rates until their end. Raises ``Unavailable``."""
    if instrument.market_type == SPOT:
        return settings
    return evolve(settings, funding=await rates.of(instrument.id, settings.end))
