"""Balance comparison: comparable currencies and tolerances."""

from decimal import Decimal

from kit.builders import an_instrument
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.reconcile.balance_comparison import (
    BalanceDifference,
    balance_differences,
    comparable_currencies,
)
from oms.domain.value import evolve


def _spot(base: str, quote: str = "USDT") -> Instrument:
    return evolve(
        an_instrument(),
        symbol=f"{base}/{quote}",
        kind=InstrumentKind.SPOT,
        base=base,
        quote=quote,
        settle=quote,
        step=Decimal("0.01"),
    )


KNOWN = {each.symbol: each for each in (_spot("SOL"), _spot("BTC"), _spot("ETH", "BTC"))}


def test_quote_and_settle_currencies_are_left_out() -> None:
    assert comparable_currencies(KNOWN.values()) == {"SOL": Decimal("0.01"), "ETH": Decimal("0.01")}


def test_balance_entries_count_and_a_step_is_the_tolerance() -> None:
    totals = {"SOL": Decimal("5.009"), "BTC": Decimal(7), "ETH": Decimal(1), "USDT": Decimal(9)}
    entries = {"SOL": Decimal(5)}
    (found,) = balance_differences((), entries, totals, KNOWN)
    assert (found.currency, found.amount) == ("ETH", Decimal(1))
    assert balance_differences((), entries, totals, KNOWN, {"ETH/BTC"}) == []
    (gone,) = balance_differences((), entries, {"ETH": Decimal(0)}, KNOWN)
    assert (gone.currency, gone.amount) == ("SOL", Decimal(-5))


def test_small_is_worth_a_dollar_or_a_hundredth_of_a_percent() -> None:
    def differs(by: str) -> BalanceDifference:
        there = Decimal(100)
        book = there - Decimal(by)
        return BalanceDifference(currency="SOL", exchange_total=there, book_total=book)

    assert differs("0.01").is_small(None)
    assert not differs("0.02").is_small(None)
    assert differs("0.02").is_small(Decimal(50))
    assert not differs("0.02").is_small(Decimal("50.01"))
