"""The currency in which limits are counted: US dollars, at the exchange's own prices.

Coins that are worth a dollar count as one dollar.
"""

from collections.abc import Container, Iterator

DOLLARS = frozenset({"USD", "USDT", "USDC", "BUSD", "FDUSD", "TUSD", "DAI", "USDE", "USD1"})
"""Currencies that count as one dollar."""

_PRICED_IN = ("USDT", "USDC", "USD")


def conversions(currency: str, listed: Container[str]) -> Iterator[tuple[str | None, bool]]:
    """Yield the symbols whose price gives the worth of a currency in dollars, the best first.

    With ``True`` the price is that of a dollar in the currency. A dollar needs no symbol.
    """
    if currency in DOLLARS:
        yield None, False
        return
    for dollar in _PRICED_IN:
        for symbol, is_inverse in ((f"{currency}/{dollar}", False), (f"{dollar}/{currency}", True)):
            if symbol in listed:
                yield symbol, is_inverse
