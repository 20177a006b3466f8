"""What a check of a limit reads, and the refusal that it returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from oms.domain.errors import Refused
from oms.domain.money import ZERO, add, decimal_text, divide, multiply
from oms.domain.orders.order import Side
from oms.domain.risk.exposure import Entry, Exposure, Quantities
from oms.domain.risk.limit_context import LimitContext, Market
from oms.domain.risk.policy import Limit, Limits, RulingLimits, scope_text
from oms.domain.risk.policy_keys import KEYS
from oms.domain.risk.valuation import named_price, value_at

ONE, HUNDRED = Decimal(1), Decimal(100)
NO_QUANTITIES: Quantities = {}


@dataclass(slots=True, kw_only=True)
class Measure:
    """The limits of one scope, and what they are measured over.

    What several checks compare is computed once; a worth is ``None`` where it is not known, or no
    limit needs it.
    """

    limits: Limits
    #: The strategy that they are measured over; ``None``: the whole account.
    strategy_id: int | None
    entry: Entry
    context: LimitContext
    #: Prices of the entry's symbol, and their middle.
    market: Market | None
    mid: Decimal | None
    #: The limit or trigger price of the entry, and the price that values it.
    named_price: Decimal | None
    price: Decimal | None
    #: The worth of one unit of the entry's symbol, of the entry, and of its position once all of
    #: its side is filled.
    unit_worth: Decimal | None
    worth: Decimal | None
    position_worth: Decimal | None
    #: Why they are not known.
    missing: str
    #: Entry orders that are open.
    reserved: Sequence[Entry]
    #: All positions once the entry is filled; empty if no limit needs them.
    quantities: Quantities
    #: Whether the position of the entry is open or reserved without it.
    is_open: bool
    #: What was measured, by key; ``None``: nothing.
    measured: dict[str, Decimal | None]
    _total: Decimal | None = None
    _equity: Decimal | None = None

    def total_after(self) -> Decimal:
        """Return the worth of all positions and reservations with the entry. Raises ``Unknown``."""
        if self._total is None:
            self._total = self._add_up()
        return self._total

    def equity(self) -> Decimal:
        """Return the equity in the currency of limits. Raises ``UnknownEquity``."""
        if self._equity is None:
            self._equity = equity_of(self.context, self.context.equity.equity)
        return self._equity

    def _add_up(self) -> Decimal:
        unit_worth, context, symbol = self.unit_worth, self.context, self.entry.symbol
        if unit_worth is None:
            raise Unknown(self.missing)
        total = ZERO
        for key, (bought, sold) in self.quantities.items():
            qty = bought if bought >= sold else sold
            if key.symbol == symbol:
                total = add(total, multiply(qty, unit_worth))
                continue
            market = context.markets.get(key.symbol)
            if market is None:
                raise Unknown(f"there is no current price of {key.symbol}, which is held")
            total = add(total, notional_at(context, key.symbol, qty, market.mid))
        return total


def measure_of(
    ruling: RulingLimits,
    limits: Limits,
    strategy_id: int | None,
    entry: Entry,
    exposure: Exposure,
    context: LimitContext,
) -> Measure:
    """Return what the limits of a scope are measured over: of a strategy, or the account."""
    market = context.markets.get(entry.symbol)
    named = named_price(entry)
    price = value_at(entry, named, market)
    quantities, is_open, position = NO_QUANTITIES, False, ZERO
    if ruling.needs_positions:
        key = exposure.key_of(entry)
        quantities, is_open = exposure.quantities_with(entry, key)
        bought, sold = quantities[key]
        position = bought if entry.side is Side.BUY else sold
    unit: Decimal | None = None
    worth: Decimal | None = None
    position_worth: Decimal | None = None
    missing = ""
    if ruling.needs_rate:
        try:
            unit = unit_worth_of(context, entry.symbol, price)
        except Unknown as error:
            missing = str(error)
        else:
            worth, position_worth = multiply(entry.qty, unit), multiply(position, unit)
    return Measure(
        limits=limits,
        strategy_id=strategy_id,
        entry=entry,
        context=context,
        market=market,
        mid=None if market is None else market.mid,
        named_price=named,
        price=price,
        unit_worth=unit,
        worth=worth,
        position_worth=position_worth,
        missing=missing,
        reserved=exposure.reserved,
        quantities=quantities,
        is_open=is_open,
        measured={**ruling.unmeasured},
    )


def unit_worth_of(context: LimitContext, symbol: str, price: Decimal | None) -> Decimal:
    """Return the worth of one unit in the currency of limits. Raises ``Unknown``."""
    if price is None:
        raise Unknown(f"there is no current price of {symbol}")
    return notional_at(context, symbol, ONE, price)


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
