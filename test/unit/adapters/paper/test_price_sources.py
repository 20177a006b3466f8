"""Random walks: one market per exchange, unless an account has a seed of its own."""

from dataclasses import replace
from datetime import timedelta

from kit.builders import NOON
from oms.adapters.paper.market_data.price_sources import PriceSources
from oms.domain.account import Account, Environment, PaperSettings, PositionMode
from oms.simulation.inputs import BookUpdate
from oms.simulation.market.instruments import instruments_of
from oms.simulation.market.random_walk import STEP_DURATION, step_at

BINANCE = Account(
    id=1,
    exchange_id="paper.binance",
    label="paper",
    position_mode=PositionMode.NETTING,
    environment=Environment.PAPER,
)


def _book(account: Account, symbol: str = "BTC/USDT") -> BookUpdate:
    instrument = instruments_of(account.venue)[symbol]
    return PriceSources(account).walk_book(instrument, NOON)


def test_accounts_of_one_exchange_see_one_market() -> None:
    assert _book(replace(BINANCE, id=2)) == _book(BINANCE)
    assert _book(replace(BINANCE, exchange_id="paper.bybit")) != _book(BINANCE)


def test_a_seed_of_its_own_gives_a_market_of_its_own() -> None:
    own = replace(BINANCE, paper=PaperSettings(seed=1))
    assert _book(own) != _book(BINANCE)
    assert _book(own) == _book(replace(own, id=2, exchange_id="paper.bybit"))


def test_walks_with_a_start_have_the_same_prices_and_volumes_at_the_same_age() -> None:
    """Also before their start, which charts may show."""
    instrument = instruments_of(BINANCE.venue)["BTC/USDT"]
    later = timedelta(days=3, seconds=7)
    first, second = (
        PriceSources(replace(BINANCE, paper=PaperSettings(seed=1, walk_start=start)))
        for start in (NOON, NOON + later)
    )
    step = later // STEP_DURATION
    for age in (timedelta(days=-9), timedelta(0), timedelta(hours=5)):
        at = NOON + age
        one, other = first.walk_book(instrument, at), second.walk_book(instrument, at + later)
        assert (one.bids, one.asks) == (other.bids, other.asks)
        assert one.at == other.at - later
        assert first.walk_day(instrument, at) == second.walk_day(instrument, at + later)
        assert first.walk_depth(instrument, at, 20) == second.walk_depth(instrument, at + later, 20)
        n = step_at(at)
        assert first.walk_volume(instrument, n, n + 50) == second.walk_volume(
            instrument, n + step, n + step + 50
        )
    assert first.walk_quote(instrument, NOON) != second.walk_quote(instrument, NOON)


def test_one_seed_gives_the_same_thousand_prices_in_whatever_order_they_are_read() -> None:
    """Each step depends on the seed, the symbol and its number alone."""
    instrument = instruments_of(BINANCE.venue)["BTC/USDT"]
    one = PriceSources(replace(BINANCE, paper=PaperSettings(seed=42)))
    other = PriceSources(replace(BINANCE, id=2, paper=PaperSettings(seed=42)))
    times = [NOON + number * STEP_DURATION for number in range(1000)]
    forwards = [one.walk_book(instrument, at) for at in times]
    backwards = [other.walk_book(instrument, at) for at in reversed(times)]
    assert forwards == backwards[::-1]
    assert len({book.bids[0] for book in forwards}) > 100, "it walks"
