"""Worth of currencies in the currency of limits."""

from decimal import Decimal

from oms.domain.risk.currency import rates_into

DOLLARS = {"USDT": Decimal(1), "EUR": Decimal("1.25"), "BTC": Decimal(50000)}


def test_currencies_are_converted_through_dollars() -> None:
    rates = rates_into("EUR", DOLLARS)
    assert rates == {"USDT": Decimal("0.8"), "EUR": Decimal(1), "BTC": Decimal(40000)}


def test_without_a_price_of_the_unit_only_itself_is_known() -> None:
    assert rates_into("JPY", DOLLARS) == {"JPY": Decimal(1)}
