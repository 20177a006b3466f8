"""Deterministic price paths from (seed, instrument, step): the price source ``walk``.

Each asset has a path in dollars: its base price times one plus a sum of *octaves*. Octave ``k`` is
a lattice of hashed values, one each ``4^k`` steps, interpolated linearly, with twice the amplitude
of the octave before it. The sum looks like a random walk, but any step is computed directly in
constant time, and it stays within ``PRICE_BOUND`` of its start. Every few minutes the amplitude of
the fast octaves changes between calm, normal and volatile. The price of a pair is the quotient of
two paths, so all pairs are consistent. Integer arithmetic only: the same on every machine.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType

from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import EXACT
from oms.simulation.market.hashed_noise import lattice, mix, path_key, segment
from oms.simulation.state.paper_market import Level

STEP_DURATION = timedelta(milliseconds=100)
"""Time from one price to the next."""

BOOK_DEPTH = 10
"""Levels of each side that orders are matched against."""

PRICE_BOUND = Decimal("0.5")
"""A path stays within this share of its start, above and below."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OCTAVES = 12
_QUICK_OCTAVES = 5
#: Amplitude of octave 0, in parts of ``_ONE``: one basis point. All twelve add up to 41 %.
_HEIGHT = 10**5
_ONE = 10**9
_REGIME_STEPS = 3000
#: Amplitude of the fast octaves in permille: half of the time calm, an eighth volatile.
_REGIMES = (400, 400, 400, 400, 1000, 1000, 1000, 3000)
#: Approximate value of the best level in dollars.
_LEVEL_VALUE = 20_000

#: Asset: base price in dollars, and its share of the full amplitude, in permille.
_ASSETS: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        "USD": ("1", 0),
        "USDT": ("1", 0),
        "USDC": ("1", 4),
        "BTC": ("60000", 1000),
        "ETH": ("3000", 1000),
        "BNB": ("600", 1000),
        "SOL": ("150", 1000),
        "LTC": ("90", 1000),
        "LINK": ("15", 1000),
        "XRP": ("2.5", 1000),
        "ADA": ("0.8", 1000),
        "DOGE": ("0.2", 1000),
    }
)
_OTHER = ("100", 1000)


def step_at(timestamp: datetime) -> int:
    """Returns the number of the step that contains ``timestamp``."""
    return (timestamp - _EPOCH) // STEP_DURATION


def quote_at(seed: int, instrument: Instrument, step: int) -> tuple[Decimal, Decimal]:
    """Returns best bid and best ask at ``step``, on the tick."""
    bid, spread, _, _ = _best(seed, instrument, step)
    return _tick_price(instrument, bid), _tick_price(instrument, bid + spread)


def book_at(
    seed: int, instrument: Instrument, step: int, depth: int = BOOK_DEPTH
) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
    """Returns bids and asks at ``step``, best first, at most ``depth`` levels each."""
    bid, spread, gap, base = _best(seed, instrument, step)
    noise = mix(path_key(seed, instrument.symbol) ^ step)
    inverse = instrument.kind is InstrumentKind.INVERSE
    price = int(instrument.contract_size.scaleb(9)) if inverse else base
    step_up, step_down = instrument.step.as_integer_ratio()
    unit = max(_LEVEL_VALUE * _ONE * step_down // (price * step_up), 2)
    bids: list[Level] = []
    asks: list[Level] = []
    # Forty products a book: calling EXACT.multiply directly saves a function call each.
    times, tick, smallest = EXACT.multiply, instrument.tick, instrument.step
    for index in range(depth):
        size = unit * (index + 2) // 2
        below, above = bid - index * gap, bid + spread + index * gap
        bits = noise >> (index * 6 % 58)
        if below > 0:
            bids.append((times(tick, below), times(smallest, _noisy_steps(size, bits & 63))))
        asks.append((times(tick, above), times(smallest, _noisy_steps(size, bits >> 3 & 63))))
    return tuple(bids), tuple(asks)


def _best(seed: int, instrument: Instrument, step: int) -> tuple[int, int, int, int]:
    """Returns best bid, spread, level gap in ticks, and the base asset in dollars × 10⁹."""
    up, down = instrument.tick.as_integer_ratio()
    base, quote = _path(seed, instrument.base, step), _path(seed, instrument.quote, step)
    middle = max(base * down // (quote * up), 2)
    gap = 1 + middle // 200_000
    spread = 1 + mix(path_key(seed, instrument.symbol) + step) % (2 * gap)
    return max(middle - spread // 2, 1), spread, gap, base


def _path(seed: int, asset: str, step: int) -> int:
    """Returns the price of an asset in dollars × 10⁹."""
    usual_price, swing = _usual_price(asset)
    if not swing:
        return usual_price
    key = path_key(seed, asset)
    regime = _regime(key, step)
    deviation, period, height = 0, 1, _HEIGHT
    for octave in range(_OCTAVES):
        index, offset = divmod(step, period)
        left, rise = segment(key, octave, index)
        value = (left + rise * offset // period) * height >> 32
        deviation += value * regime // 1000 if octave < _QUICK_OCTAVES else value
        period *= 4
        height *= 2
    return usual_price * (_ONE + deviation * swing // 1000) // _ONE


def usual_price(asset: str) -> Decimal:
    """Returns the price in dollars that the path of an asset stays around."""
    return Decimal(_ASSETS.get(asset, _OTHER)[0])


@lru_cache
def _usual_price(asset: str) -> tuple[int, int]:
    """Returns its base price in dollars × 10⁹, and its share of the amplitude in permille."""
    start, swing = _ASSETS.get(asset, _OTHER)
    return int(Decimal(start).scaleb(9)), swing


def _regime(key: int, step: int) -> int:
    """Returns the amplitude of the fast octaves in permille, interpolated between regimes."""
    index, offset = divmod(step, _REGIME_STEPS)
    left, right = (_REGIMES[lattice(key, _OCTAVES, index + i) & 7] for i in (0, 1))
    return left + (right - left) * offset // _REGIME_STEPS


def _tick_price(instrument: Instrument, ticks: int) -> Decimal:
    return EXACT.multiply(instrument.tick, ticks)


def _noisy_steps(steps: int, noise: int) -> int:
    """Returns from a half to one and a half of ``steps``, at least one."""
    return steps * (32 + noise) // 64 or 1
