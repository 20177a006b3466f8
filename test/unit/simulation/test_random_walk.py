"""The random walk reproduces recorded prices, in any order, on any machine."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from kit.builders import a_spot_instrument
from oms.simulation.market.instruments import instruments_of
from oms.simulation.market.random_walk import book_at, quote_at, step_at

TABLE = instruments_of("binance")
#: Seed 42, three steps: bid and ask.
RECORDED = [["62168.33", "62168.93"], ["62166.88", "62167.33"], ["62165.98", "62166.38"]]


def test_recorded_prices() -> None:
    steps = range(17_000_000_000, 17_000_000_003)
    quotes = [[str(p) for p in quote_at(42, TABLE["BTC/USDT"], step)] for step in steps]
    assert quotes == RECORDED


def test_a_step_is_a_tenth_of_a_second() -> None:
    moment = datetime(2026, 2, 25, 12, 0, tzinfo=UTC)
    assert step_at(moment) == 17_720_208_000
    assert step_at(moment + timedelta(microseconds=99_999)) == step_at(moment)
    assert step_at(moment + timedelta(microseconds=100_000)) == step_at(moment) + 1


def test_the_book_starts_at_the_quote() -> None:
    for instrument in TABLE.values():
        bid, ask = quote_at(7, instrument, 1000)
        bids, asks = book_at(7, instrument, 1000, depth=5)
        assert (bids[0][0], asks[0][0]) == (bid, ask)
        assert [price for price, _ in bids] == sorted({price for price, _ in bids}, reverse=True)
        assert [price for price, _ in asks] == sorted({price for price, _ in asks})
        assert all(qty is not None and qty > 0 for _, qty in (*bids, *asks))


def test_pairs_are_consistent() -> None:
    btc, _ = quote_at(3, TABLE["BTC/USDT"], 5)
    eth, _ = quote_at(3, TABLE["ETH/USDT"], 5)
    cross, _ = quote_at(3, TABLE["ETH/BTC"], 5)
    assert abs(cross - eth / btc) < Decimal("0.0001")


def test_contract_and_spot_prices_agree() -> None:
    spot, _ = quote_at(3, TABLE["BTC/USDT"], 5)
    contract, _ = quote_at(3, TABLE["BTC/USDT:USDT"], 5)
    assert abs(spot - contract) < 5


def test_an_unlisted_asset_has_a_price() -> None:
    bid, ask = quote_at(1, a_spot_instrument(symbol="XYZ/USDT", base="XYZ"), 5)
    assert 50 <= bid < ask <= 151
