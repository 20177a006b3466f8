"""What an account is worth after a history, in exact fractions and written from the rules alone.

The exchange pays the wallet: prices of coins, results of contracts at 18 places, fees in whatever
currency, and funding. Equity is that wallet and the marks: coins at their price, contracts at what
closing them would pay. Each amount has 18 places, their sums are exact.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple

from kit.ledger.oracle import Oracle

ZERO = Fraction(0)
PLACES = 10**18


class ExpectedEquity(NamedTuple):
    """The wallet by currency, and the figures in the settle currency."""

    wallet: Mapping[str, Fraction]
    cash: Fraction
    unrealized: Fraction
    equity: Fraction


def rounded(number: Fraction) -> Fraction:
    """The number at 18 places, half to even."""
    return Fraction(round(number * PLACES), PLACES)


def expected_equity(
    oracle: Oracle,
    settle: str,
    deposit: Fraction,
    payments: Iterable[tuple[str, Fraction]],
    prices: Mapping[str, Fraction],
    mark: Fraction,
) -> ExpectedEquity:
    """Value an account at ``mark``; ``payments`` are late fees and funding, as received.

    ``prices`` are those of one unit of other currencies.
    """
    wallet: dict[str, Fraction] = defaultdict(Fraction, {settle: deposit})
    for currency, amount in payments:
        wallet[currency] += amount
    for name, trade in oracle.trades.items():
        if name in oracle.busted:
            continue
        if trade.fee is not None:
            wallet[trade.currency] -= trade.fee
        if oracle.kind == "spot":
            bought = oracle.orders[trade.order_id].sign * trade.q
            wallet[oracle.base] += bought
            wallet[settle] -= bought * trade.p
    held = [one for one in oracle.positions if one.q]
    profits = [oracle.size * (one.q * oracle.v(mark) - one.c) for one in held]
    unrealized = sum(map(rounded, profits), ZERO)
    cash_in_coins = dict(wallet)
    if oracle.kind == "spot":
        cash_in_coins[oracle.base] = wallet[oracle.base] - sum((one.q for one in held), ZERO)
        worth = sum((rounded(one.q * mark) for one in held), ZERO)
        return _valued(wallet, cash_in_coins, settle, prices, unrealized, worth)
    wallet[settle] += sum((rounded(part.profit) for part in oracle.parts), ZERO)
    return _valued(wallet, wallet, settle, prices, unrealized, unrealized)


def _valued(
    wallet: Mapping[str, Fraction],
    cash: Mapping[str, Fraction],
    settle: str,
    prices: Mapping[str, Fraction],
    unrealized: Fraction,
    worth: Fraction,
) -> ExpectedEquity:
    amounts = (each * {**prices, settle: 1}[name] for name, each in cash.items())
    amount = rounded(sum(amounts, ZERO))
    return ExpectedEquity(wallet, amount, unrealized, amount + worth)
