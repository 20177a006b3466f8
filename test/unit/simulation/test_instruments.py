"""The built-in instruments and the fees of venue profiles."""

from decimal import Decimal

import pytest

from kit.exchanges.paper_harness import a_paper_account
from oms.domain.instrument import InstrumentKind, refuse_off_grid
from oms.domain.market_hours import Session
from oms.simulation.market.instruments import fees_of, instruments_of, paper_instruments
from oms.wire.instrument_codec import decode_instrument, encode_instrument


def test_spot_and_linear_rows() -> None:
    table = instruments_of("binance")
    spot, linear = table["BTC/USDT"], table["BTC/USDT:USDT"]
    assert (spot.kind, spot.settle, spot.tick, spot.step) == (
        InstrumentKind.SPOT,
        "USDT",
        Decimal("0.01"),
        Decimal("0.00001"),
    )
    assert (linear.kind, linear.tick, linear.step, linear.min_notional) == (
        InstrumentKind.LINEAR,
        Decimal("0.1"),
        Decimal("0.001"),
        100,
    )
    assert (linear.max_leverage, linear.maintenance_rate) == (125, Decimal("0.004"))
    assert len(table) == 22
    assert all(symbol == row.symbol for symbol, row in table.items())
    assert refuse_off_grid(linear, qty=Decimal("0.001"), prices=(Decimal("60000.1"),)) is None


def test_all_venues_share_the_built_in_instruments() -> None:
    assert instruments_of("kraken") is instruments_of("generic")


@pytest.mark.parametrize(
    ("venue", "kind", "maker", "taker"),
    [
        ("binance", InstrumentKind.SPOT, "0.001", "0.001"),
        ("binance", InstrumentKind.LINEAR, "0.0002", "0.0005"),
        ("bybit", InstrumentKind.LINEAR, "0.0002", "0.00055"),
        ("kraken", InstrumentKind.SPOT, "0.0016", "0.0026"),
        ("kraken", InstrumentKind.LINEAR, "0.0002", "0.0005"),
        ("gate", InstrumentKind.LINEAR, "0", "0.0005"),
        ("coinbase", InstrumentKind.SPOT, "0.006", "0.012"),
        ("unlisted", InstrumentKind.SPOT, "0.001", "0.001"),
    ],
)
def test_fees(venue: str, kind: InstrumentKind, maker: str, taker: str) -> None:
    rates = fees_of(venue)[kind]
    assert (rates.maker, rates.taker) == (Decimal(maker), Decimal(taker))


def test_an_account_trades_the_stocks_that_it_names() -> None:
    plain = paper_instruments(a_paper_account())
    table = paper_instruments(a_paper_account(stocks=("AAPL",)))
    stock = table["AAPL"]

    assert plain is instruments_of("binance")
    assert table.keys() - plain.keys() == {"AAPL"}
    assert (stock.session, stock.base, stock.quote) == (Session.US_EQUITY, "AAPL", "USD")
    assert (stock.kind, stock.tick, stock.step) == (InstrumentKind.SPOT, Decimal("0.01"), 1)
    assert {row.session for row in plain.values()} == {Session.CONTINUOUS}
    assert decode_instrument(encode_instrument(stock)) == stock
