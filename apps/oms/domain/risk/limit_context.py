"""What the checks of a risk policy read: one account, prices and equity at one moment."""

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal

from oms.domain.instrument import Instrument
from oms.domain.money import add, multiply
from oms.domain.risk.exposure import Exposure
from oms.domain.value import value

_HALF = Decimal("0.5")


@value
class Market:
    """Best prices of the entry's symbol, and their time as a text."""

    bid: Decimal
    ask: Decimal
    at: str

    @property
    def mid(self) -> Decimal:
        """Return the middle of bid and ask."""
        return multiply(add(self.bid, self.ask), _HALF)


@value
class AccountEquity:
    """Equity of the account and what its day has earned, in ``currency``; ``None`` is unknown."""

    currency: str
    equity: Decimal | None = None
    day_result: Decimal | None = None
    at_day_start: Decimal | None = None


@value
class LimitContext:
    """What the checks read: one account at one moment."""

    exposure: Exposure
    instruments: Mapping[str, Instrument]
    #: Prices by symbol: of the entry, and of what is held or reserved.
    markets: Mapping[str, Market] = field(default_factory=dict)
    #: Dollars per unit of a currency: of the quotes, and of the equity.
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    #: Read only where a limit needs it.
    equity: AccountEquity = field(default_factory=lambda: AccountEquity(currency=""))

    def in_dollars(self, amount: Decimal | None) -> Decimal | None:
        """Return an amount in the currency of the equity in dollars; ``None`` if not known."""
        rate = self.rates.get(self.equity.currency)
        return None if amount is None or rate is None else multiply(amount, rate)
