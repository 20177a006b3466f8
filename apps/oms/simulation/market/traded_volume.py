"""Deterministic traded volume from (seed, instrument, step), for markets of the random walk.

The volume up to a step is a straight line plus *octaves*: hashed lattices, interpolated linearly.
The volume of a period is the difference of two such totals. So any period is computed in constant
time, and the volumes of its parts add up to it: trades to candles, candles to the ticker's day.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType

from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import EXACT
from oms.simulation.market.hashed_noise import path_key, segment
from oms.simulation.market.random_walk import usual_price

#: Base asset: dollars traded per step on average.
_TURNOVER: Mapping[str, int] = MappingProxyType(
    {
        "BTC": 2000,
        "ETH": 1000,
        "USDC": 500,
        "SOL": 400,
        "XRP": 250,
        "BNB": 200,
        "DOGE": 150,
    }
)
_OTHER_TURNOVER = 60
#: Steps between two points of an octave, and its amplitude in permille of the mean rate. Twice
#: their sum is the largest deviation of the rate: 90 %, so that some volume is traded in each step.
_OCTAVES = ((4, 100), (256, 100), (8192, 120), (262_144, 130))
_LOTS_MIN = 20
_SCALE_BITS = 32


def volume_between(seed: int, instrument: Instrument, first: int, end: int) -> Decimal:
    """Returns the volume traded in the steps from ``first`` to before ``end``, on the step size."""
    (volume,) = volumes_between(seed, instrument, (first, end))
    return volume


def volumes_between(seed: int, instrument: Instrument, bounds: Iterable[int]) -> list[Decimal]:
    """Returns the volumes of consecutive periods; ``bounds`` are their first steps and the end."""
    key, lots = path_key(seed, f"volume {instrument.symbol}"), _mean_lots(instrument)
    totals = [_total(key, lots, step) for step in bounds]
    return [EXACT.multiply(instrument.step, end - first) for first, end in pairwise(totals)]


def _total(key: int, lots: int, step: int) -> int:
    """Returns the volume before ``step`` in multiples of the instrument's step."""
    rate_sum = step << _SCALE_BITS
    for octave, (period, permille) in enumerate(_OCTAVES):
        index, offset = divmod(step, period)
        left, rise = segment(key, octave, index)
        rate_sum += (left + rise * offset // period) * period * permille // 1000
    return rate_sum * lots >> _SCALE_BITS


@lru_cache
def _mean_lots(instrument: Instrument) -> int:
    """Returns the mean volume per step in multiples of the instrument's step."""
    dollars = _TURNOVER.get(instrument.base, _OTHER_TURNOVER)
    inverse = instrument.kind is InstrumentKind.INVERSE
    price = instrument.contract_size if inverse else usual_price(instrument.base)
    return max(int(dollars / (price * instrument.step)), _LOTS_MIN)
