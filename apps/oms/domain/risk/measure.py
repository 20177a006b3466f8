"""What a check of a limit reads, and the refusal that it returns."""

from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal

from oms.domain.errors import Refused
from oms.domain.money import ZERO, add, decimal_text, divide, multiply
from oms.domain.orders.order import Side
from oms.domain.risk.exposure import Entry, Exposure, PositionKey, Quantities, totals_of
from oms.domain.risk.limit_context import LimitContext, Market
from oms.domain.risk.policy import Limit, Limits, scope_text
from oms.domain.risk.policy_keys import KEYS
from oms.domain.risk.valuation import valuation_of

HUNDRED = Decimal(100)


@dataclass(slots=True, kw_only=True)
class Measure:
    """The limits of one scope, and what they are measured over."""

    limits: Limits
    entry: Entry
    exposure: Exposure
    context: LimitContext
    #: Prices of the entry's symbol, and the price that values the entry.
    market: Market | None
    price: Decimal | None
    #: The position of the entry.
    key: PositionKey
    _mid: Decimal | None = None
    #: What was measured, by key.
    measured: dict[str, Decimal] = field(default_factory=dict)
    _open_keys: Collection[PositionKey] | None = None
    _quantities: Quantities | None = None
    _total: Decimal | None = None
    _worths: dict[Decimal, Decimal] = field(default_factory=dict)

    @property
    def mid(self) -> Decimal | None:
        """Return the middle of the prices of the entry's symbol; ``None`` if it is not known."""
        if self._mid is None and self.market is not None:
            self._mid = self.market.mid
        return self._mid

    @property
    def open_keys(self) -> Collection[PositionKey]:
        """Return the positions that are open or reserved."""
        if self._open_keys is None:
            self._open_keys = self.exposure.open_keys()
        return self._open_keys

    @property
    def quantities(self) -> Quantities:
        """Return the quantities of all positions once the entry is filled."""
        if self._quantities is None:
            self._quantities = self.exposure.quantities_with(self.entry)
        return self._quantities

    @property
    def quantity_after(self) -> Decimal:
        """Return the largest quantity of the entry's position once all of its side is filled."""
        bought, sold = self.quantities[self.key]
        return bought if self.entry.side is Side.BUY else sold

    def worth_of(self, qty: Decimal) -> Decimal:
        """Return the worth of a quantity of the entry's symbol at its price. Raises ``Unknown``."""
        worth = self._worths.get(qty)
        if worth is None:
            if self.price is None:
                raise Unknown(f"there is no current price of {self.entry.symbol}")
            worth = notional_at(self.context, self.entry.symbol, qty, self.price)
            self._worths[qty] = worth
        return worth

    def total_after(self) -> Decimal:
        """Return the worth of all positions and reservations with the entry. Raises ``Unknown``."""
        if self._total is None:
            self._total = self._add_up()
        return self._total

    def _add_up(self) -> Decimal:
        context, total = self.context, ZERO
        for symbol, qty in totals_of(self.quantities).items():
            if symbol == self.entry.symbol:
                total = add(total, self.worth_of(qty))
                continue
            market = context.markets.get(symbol)
            if market is None:
                raise Unknown(f"there is no current price of {symbol}, which is held")
            total = add(total, notional_at(context, symbol, qty, market.mid))
        return total


def measure_of(limits: Limits, entry: Entry, exposure: Exposure, context: LimitContext) -> Measure:
    """Return what the limits of a scope are measured over."""
    market = context.markets.get(entry.symbol)
    return Measure(
        limits=limits,
        entry=entry,
        exposure=exposure,
        context=context,
        market=market,
        price=valuation_of(entry, market),
        key=exposure.key_of(entry),
    )


class Unknown(Exception):
    """A price or a rate that a check needs is not known."""

    reason = "risk_no_price"


class UnknownEquity(Unknown):
    """The equity or the result of the day is not known."""

    reason = "risk_error"


class UnknownRecent(Unknown):
    """What the account did lately is not known."""

    reason = "risk_error"


def number_of(limit: Limit) -> Decimal:
    """Return the value of a limit that is a number."""
    setting = limit.setting
    assert type(setting) is Decimal
    return setting


def percent_of(part: Decimal, whole: Decimal) -> Decimal:
    """Return a part in percent of the whole, which is not 0."""
    return divide(multiply(part, HUNDRED), whole)


def at_most(limit: Limit) -> str:
    """Return the limit and its scope, as messages name them."""
    return f"{scope_text(limit)} allows {decimal_text(number_of(limit))}"


def notional_at(context: LimitContext, symbol: str, qty: Decimal, price: Decimal) -> Decimal:
    """Return the worth of a quantity in the currency of limits. Raises ``Unknown``."""
    instrument = context.instruments.get(symbol)
    if instrument is None:
        raise Unknown(f"{symbol} is not listed any more")
    rate = context.rates.get(instrument.quote)
    if rate is None:
        raise Unknown(f"there is no current rate of {instrument.quote}")
    return multiply(instrument.notional(qty, price), rate)


def equity_of(context: LimitContext, amount: Decimal | None) -> Decimal:
    """Return an amount of the equity in the currency of limits. Raises ``UnknownEquity``."""
    worth = context.in_limit_currency(amount)
    if worth is None:
        raise UnknownEquity("the equity of the account, or what the day has earned, is not known")
    return worth


def refused_by(
    limit: Limit, measure: Measure, message: str, actual: Decimal | None = None
) -> Refused:
    """Return the refusal of a limit, with the price that valued the entry."""
    market, price = measure.market, measure.price
    prices = {
        "price": None if price is None else decimal_text(price),
        "price_at": None if market is None else market.at,
    }
    return Refused(
        code="risk_blocked",
        reason=KEYS[limit.key].reason,
        message=message,
        limit=limit.setting if isinstance(limit.setting, Decimal) else None,
        value=actual,
        set_by=limit.scope.value,
        facts=limit.facts() | prices,
    )


def refused_unknown(limit: Limit, error: Unknown) -> Refused:
    """Return the refusal for what a limit needs and is not known."""
    text = f"{error}, which {limit.key} of {scope_text(limit)} needs"
    return Refused(
        code="risk_blocked",
        reason=error.reason,
        message=text,
        limit=limit.setting if isinstance(limit.setting, Decimal) else None,
        set_by=limit.scope.value,
        facts=limit.facts(),
    )
