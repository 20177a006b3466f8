"""Balances of accounts, and until when they may be used.

An exchange is asked at intervals and after executions. Balances that are too old, or that were not
read again soon after an execution, are not known: figures that need them are unknown, too.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from oms.domain.value import value

READ_INTERVAL = timedelta(seconds=60)
"""How often the balances of an account at a real exchange are read at least."""

AGE_MAX = 3 * READ_INTERVAL
"""Older balances are not known any more."""

READ_AFTER_DEAL_MAX = timedelta(seconds=15)
"""Balances from before a deal are not known this long after it."""


@value
class Balance:
    """One currency of a wallet; ``total`` has no unrealized profit, and no borrowed coins."""

    total: Decimal
    #: Unknown where the exchange does not report them.
    free: Decimal | None = None
    used: Decimal | None = None


@value
class Balances:
    """The whole wallet at ``as_of``; ``None``: it is always current, as of a paper account."""

    amounts: Mapping[str, Balance]
    as_of: datetime | None = None

    def totals(self) -> Mapping[str, Decimal]:
        """Return the totals by currency."""
        return {currency: each.total for currency, each in self.amounts.items()}

    def are_current(self, now: datetime, last_deal_at: datetime | None) -> bool:
        """Return whether figures may be computed from them."""
        if self.as_of is None:
            return True
        if now - self.as_of > AGE_MAX:
            return False
        return self.contain(last_deal_at) or _is_recent(last_deal_at, now)

    def contain(self, last_deal_at: datetime | None) -> bool:
        """Return whether they were read after the last deal of the account."""
        return self.as_of is None or last_deal_at is None or last_deal_at <= self.as_of


def _is_recent(deal_at: datetime | None, now: datetime) -> bool:
    return deal_at is not None and now - deal_at <= READ_AFTER_DEAL_MAX
