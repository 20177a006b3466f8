"""The traded volume of the random walk.

It is a pure function, on the grid, above zero in each step, and additive over periods.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from oms.domain.money import add, is_on_step
from oms.simulation.market.instruments import instruments_of
from oms.simulation.market.traded_volume import volume_between

TABLE = instruments_of("binance")
SYMBOLS = st.sampled_from(sorted(TABLE))
SEEDS = st.integers(-(2**63), 2**63)
STEPS = st.integers(0, 10**12)
LENGTHS = st.integers(1, 10**6)


@settings(deadline=None)
@given(SEEDS, SYMBOLS, STEPS)
def test_each_step_has_a_volume_on_the_grid(seed: int, symbol: str, step: int) -> None:
    instrument = TABLE[symbol]
    volume = volume_between(seed, instrument, step, step + 1)
    assert volume >= instrument.step
    assert is_on_step(volume, instrument.step)
    assert volume_between(seed, instrument, step, step + 1) == volume


@settings(deadline=None)
@given(SEEDS, SYMBOLS, STEPS, LENGTHS, LENGTHS)
def test_volumes_of_parts_add_up(seed: int, symbol: str, start: int, one: int, two: int) -> None:
    instrument = TABLE[symbol]
    middle, end = start + one, start + one + two
    parts = (
        volume_between(seed, instrument, start, middle),
        volume_between(seed, instrument, middle, end),
    )
    assert add(*parts) == volume_between(seed, instrument, start, end)


@settings(deadline=None)
@given(SEEDS, STEPS)
def test_volume_varies_but_not_without_bounds(seed: int, start: int) -> None:
    instrument = TABLE["BTC/USDT"]
    minutes = [
        volume_between(seed, instrument, start + n * 600, start + (n + 1) * 600) for n in range(60)
    ]
    assert len(set(minutes)) > 30
    assert max(minutes) < 20 * min(minutes)
