"""The random walk is a pure function, bounded and on the grid, and it moves."""

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from oms.domain.money import is_on_step
from oms.simulation.market.instruments import instruments_of
from oms.simulation.market.random_walk import PRICE_BOUND, book_at, quote_at

TABLE = instruments_of("binance")
SYMBOLS = st.sampled_from(sorted(TABLE))
SEEDS = st.integers(-(2**63), 2**63)
STEPS = st.integers(0, 10**12)
STARTS = {"BTC": 60_000, "ETH": 3_000, "BNB": 600, "SOL": 150, "LTC": 90, "LINK": 15}


@given(SEEDS, SYMBOLS, STEPS)
def test_repeated_calls_return_the_same(seed: int, symbol: str, step: int) -> None:
    row = TABLE[symbol]
    first = (quote_at(seed, row, step), book_at(seed, row, step))
    quote_at(seed + 1, row, step)
    quote_at(seed, row, step + 1)
    assert (quote_at(seed, row, step), book_at(seed, row, step)) == first


@given(SEEDS, SYMBOLS, STEPS, st.integers(1, 50))
def test_prices_and_quantities_are_on_the_grid(
    seed: int, symbol: str, step: int, depth: int
) -> None:
    row = TABLE[symbol]
    bid, ask = quote_at(seed, row, step)
    assert 0 < bid < ask
    assert is_on_step(bid, row.tick)
    assert is_on_step(ask, row.tick)
    bids, asks = book_at(seed, row, step, depth)
    assert len(asks) == depth
    for price, qty in (*bids, *asks):
        assert is_on_step(price, row.tick)
        assert qty is not None
        assert qty >= row.step
        assert is_on_step(qty, row.step)


@given(SEEDS, st.sampled_from(sorted(STARTS)), STEPS)
def test_prices_are_bounded(seed: int, base: str, step: int) -> None:
    bid, ask = quote_at(seed, TABLE[f"{base}/USDT"], step)
    start = Decimal(STARTS[base])
    assert start * (1 - PRICE_BOUND) <= bid < ask <= start * (1 + PRICE_BOUND)


@given(SEEDS, STEPS)
def test_prices_move_without_jumps(seed: int, step: int) -> None:
    row = TABLE["BTC/USDT"]
    bids = [quote_at(seed, row, step + i)[0] for i in range(20)]
    assert len(set(bids)) > 10
    moves = [abs(after - before) / before for before, after in pairwise(bids)]
    assert max(moves) < Decimal("0.003")


@given(SEEDS, SEEDS, STEPS)
def test_another_seed_gives_another_walk(one: int, other: int, step: int) -> None:
    row = TABLE["BTC/USDT"]
    steps = range(step, step + 5)
    quotes = [[quote_at(seed, row, at) for at in steps] for seed in (one, other)]
    assert (quotes[0] == quotes[1]) == (one == other)
