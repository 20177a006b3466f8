"""The value of an account in one currency: balances and positions at their marks.

Coins that spot positions hold are valued at the marks of these positions, everything else in the
wallet is cash at the rate of its currency::

    equity = cash + market value of spot positions + unrealized profit of contracts

An amount without a rate or a mark leaves every sum that needs it unknown (``None``), never zero.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from decimal import Decimal

from oms.domain.ledger.position import Position
from oms.domain.money import ZERO, add, multiply, round_to_scale, subtract, total
from oms.domain.value import value

Amounts = Mapping[str, Decimal]
"""Amounts by currency."""

_STOCK_CURRENCY = "USD"


@value
class SymbolCurrencies:
    """The currencies that a unified symbol names; ``settle`` is quote on spot."""

    base: str
    quote: str
    settle: str
    is_spot: bool


def currencies_of(symbol: str) -> SymbolCurrencies:
    """Return the currencies of ``BASE/QUOTE``, ``BASE/QUOTE:SETTLE[-DATE]`` or a stock's ticker."""
    pair, colon, contract = symbol.partition(":")
    base, slash, quote = pair.partition("/")
    if not slash:
        quote = _STOCK_CURRENCY
    settle = contract.partition("-")[0] or quote
    return SymbolCurrencies(base=base, quote=quote, settle=settle, is_spot=not colon)


def rate_symbols(currencies: Iterable[str], into: str) -> list[str]:
    """Return the markets whose prices convert currencies: of each spot, then the contract."""
    return [
        symbol
        for name in sorted(set(currencies) - {into})
        for symbol in (f"{name}/{into}", f"{name}/{into}:{into}")
    ]


@value
class ValuedPosition:
    """An open position; its figures are in the settle currency, unknown without a mark."""

    position: Position
    market_value: Decimal | None = None
    unrealized: Decimal | None = None


@value
class AccountMoney:
    """What an account has and what it has earned so far, in the currencies it is paid in."""

    #: Totals of the wallet; ``None``: not known.
    balances: Amounts | None
    positions: tuple[ValuedPosition, ...] = ()
    #: Gross profit of executions, and funding.
    realized: Amounts = field(default_factory=dict)
    fees: Amounts = field(default_factory=dict)


@value
class AccountValue:
    """An account in ``currency``; ``None`` is unknown."""

    currency: str
    cash: Decimal | None
    equity: Decimal | None
    market_value: Decimal | None
    unrealized: Decimal | None
    realized: Decimal | None
    fees: Decimal | None
    #: Realized and unrealized profit less fees.
    total_pnl: Decimal | None
    #: Currencies of amounts that could not be converted.
    missing_rates: frozenset[str] = frozenset()


def value_account(money: AccountMoney, currency: str, rates: Amounts) -> AccountValue:
    """Return the account in ``currency``; ``rates`` are the prices of one unit of others."""
    convert = _Conversion(currency, rates)
    spot = [each for each in money.positions if currencies_of(each.position.symbol).is_spot]
    contracts = [
        each for each in money.positions if not currencies_of(each.position.symbol).is_spot
    ]
    cash = None if money.balances is None else convert.total(_without(money.balances, spot))
    unrealized = convert.total_of_positions((each, each.unrealized) for each in money.positions)
    realized, fees = convert.total(money.realized), convert.total(money.fees)
    equity = _sum(
        cash,
        convert.total_of_positions((each, each.market_value) for each in spot),
        convert.total_of_positions((each, each.unrealized) for each in contracts),
    )
    return AccountValue(
        currency=currency,
        cash=cash,
        equity=equity,
        market_value=convert.total_of_positions(
            (each, each.market_value) for each in money.positions
        ),
        unrealized=unrealized,
        realized=realized,
        fees=fees,
        total_pnl=_sum(realized, unrealized, None if fees is None else fees.copy_negate()),
        missing_rates=frozenset(convert.missing),
    )


def add_values(currency: str, values: Iterable[tuple[AccountValue, Amounts]]) -> AccountValue:
    """Return the total of accounts in ``currency``, each with the rates of its own currency."""
    convert = _Conversion(currency, {})
    totals: dict[str, Decimal | None] = dict.fromkeys(_TOTALS, ZERO)
    missing: set[str] = set()
    for account, rates in values:
        convert.rates = rates
        missing |= account.missing_rates
        for name in _TOTALS:
            amount: Decimal | None = getattr(account, name)
            part = None if amount is None else convert.total({account.currency: amount})
            totals[name] = _sum(totals[name], part)
    return AccountValue(
        currency=currency, missing_rates=frozenset(missing | convert.missing), **totals
    )


_TOTALS = ("cash", "equity", "market_value", "unrealized", "realized", "fees", "total_pnl")


class _Conversion:
    """Sums in one currency; collects the currencies that have no rate."""

    def __init__(self, currency: str, rates: Amounts) -> None:
        self.missing: set[str] = set()
        self._currency = currency
        self.rates = rates

    def total(self, amounts: Amounts) -> Decimal | None:
        """Return the sum at 18 places; ``None`` if a rate is missing."""
        total, is_known = ZERO, True
        for currency, amount in amounts.items():
            rate = Decimal(1) if currency == self._currency else self.rates.get(currency)
            if not amount:
                continue
            if rate is None:
                self.missing.add(currency)
                is_known = False
            else:
                total = add(total, multiply(amount, rate))
        return round_to_scale(total) if is_known else None

    def total_of_positions(
        self, figures: Iterable[tuple[ValuedPosition, Decimal | None]]
    ) -> Decimal | None:
        """Return the sum of figures of positions; ``None`` if one is unknown."""
        amounts: dict[str, Decimal] = {}
        is_known = True
        for each, figure in figures:
            settle = currencies_of(each.position.symbol).settle
            if figure is None:
                is_known = False
            else:
                amounts[settle] = add(amounts.get(settle, ZERO), figure)
        total = self.total(amounts)
        return total if is_known else None


def _without(balances: Amounts, spot: Iterable[ValuedPosition]) -> dict[str, Decimal]:
    """Return the balances less the coins that spot positions hold."""
    cash = dict(balances)
    for each in spot:
        base = currencies_of(each.position.symbol).base
        cash[base] = subtract(cash.get(base, ZERO), each.position.qty)
    return cash


def _sum(*parts: Decimal | None) -> Decimal | None:
    known = [part for part in parts if part is not None]
    return total(known) if len(known) == len(parts) else None
