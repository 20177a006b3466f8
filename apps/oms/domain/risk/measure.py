"""What a check of a limit reads, and the refusal that it returns."""

from dataclasses import field
from decimal import Decimal

from oms.domain.errors import Refused
from oms.domain.money import decimal_text, divide, multiply
from oms.domain.risk.exposure import Entry, Exposure
from oms.domain.risk.limit_context import LimitContext, Market
from oms.domain.risk.policy import Limit, Limits, scope_text
from oms.domain.risk.policy_keys import KEYS
from oms.domain.risk.valuation import valuation_of
from oms.domain.value import value

HUNDRED = Decimal(100)


@value
class Measure:
    """The limits of one scope, and what they are measured over."""

    limits: Limits
    entry: Entry
    exposure: Exposure
    context: LimitContext
    #: What was measured, by key.
    measured: dict[str, Decimal] = field(default_factory=dict)

    @property
    def market(self) -> Market | None:
        """Return the prices of the entry's symbol."""
        return self.context.markets.get(self.entry.symbol)


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
    assert isinstance(limit.setting, Decimal)
    return limit.setting


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


def notional_of(measure: Measure, qty: Decimal) -> Decimal:
    """Return the worth of a quantity of the entry's symbol at its price. Raises ``Unknown``."""
    price = valuation_of(measure.entry, measure.market)
    if price is None:
        raise Unknown(f"there is no current price of {measure.entry.symbol}")
    return notional_at(measure.context, measure.entry.symbol, qty, price)


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
    market = measure.market
    price = valuation_of(measure.entry, market)
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
