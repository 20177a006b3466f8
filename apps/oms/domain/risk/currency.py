"""The currency in which limits are counted: US dollars, or another one that is set.

Amounts are converted through dollars at the exchange's own prices. Coins that are worth a dollar
count as one dollar.
"""

from collections.abc import Container, Iterator, Mapping
from decimal import Decimal

from oms.domain.money import divide

DOLLARS = frozenset({"USD", "USDT", "USDC", "BUSD", "FDUSD", "TUSD", "DAI", "USDE", "USD1"})
"""Currencies that count as one dollar."""

_PRICED_IN = ("USDT", "USDC", "USD")


def conversions(currency: str, listed: Container[str]) -> Iterator[tuple[str, bool]]:
    """Yield the symbols whose price gives the worth of a currency in dollars, the best first.

    With ``True`` the price is that of a dollar in the currency.
    """
    for dollar in _PRICED_IN:
        for symbol, is_inverse in ((f"{currency}/{dollar}", False), (f"{dollar}/{currency}", True)):
            if symbol in listed:
                yield symbol, is_inverse


def rates_into(unit: str, dollars: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    """Return what each currency is worth in ``unit``, from what each is worth in dollars.

    ``unit`` is worth one of itself; without its worth in dollars nothing else is known.
    """
    worth = dollars.get(unit)
    others = {name: divide(rate, worth) for name, rate in dollars.items()} if worth else {}
    return {**others, unit: Decimal(1)}
