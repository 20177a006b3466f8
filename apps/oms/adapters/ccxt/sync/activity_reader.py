"""Which contracts of an account were active, and since when: from the venue's list of all income.

What changes money leaves income: a commission, a profit or a funding payment. So does a position
without a commission, once it is closed with a profit or held when funding is due. So the history of
a symbol without any until a while after some time holds before it at most trades that changed
neither money nor holdings.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.fields import get_timestamp, require_rows, to_milliseconds
from oms.adapters.ccxt.sync.paging import clamp_to_history
from oms.adapters.ccxt.venues.account_sections import AccountSection
from oms.adapters.ccxt.venues.profile import VenueProfile
from oms.domain.value import value

_log = logging.getLogger("oms.ccxt")
_INCOME = "fetch_ledger"
#: More income than these pages is not read: the lists of each symbol then cost less.
_PAGES_MAX = 5
#: Funding is due at least so often.
_FUNDING_INTERVAL_MAX = timedelta(hours=8)


@value
class Activity:
    """The first activity of each active symbol in a span of time."""

    since: datetime
    until: datetime
    first: Mapping[str, datetime]

    def idle_from(self, symbol: str, end: datetime) -> datetime | None:
        """Returns from when on the symbol was idle until ``end``; ``None`` if it was not."""
        first = self.first.get(symbol)
        is_idle = first is None or first > end + _FUNDING_INTERVAL_MAX
        return self.since if is_idle and end <= self.until else None


class ActivityReader:
    """The activity of one account; a section is read again by each long pass."""

    def __init__(self, client: ExchangeClient, profile: VenueProfile) -> None:
        self._client = client
        self._profile = profile
        self._known: dict[str, Activity] = {}

    def idle_from(self, section: AccountSection, symbol: str | None, end: datetime) -> datetime:
        """Returns from when on the symbol was idle until ``end``; ``end`` if that is not known."""
        known = self._known.get(section.name)
        since = None if known is None or symbol is None else known.idle_from(symbol, end)
        return end if since is None else since

    async def read(self, section: AccountSection, since: datetime, now: datetime) -> set[str]:
        """Read the income since then; returns the symbols that had any. Raises ``ReadFailed``.

        Nothing is known where the list is refused, or too long.
        """
        self._known.pop(section.name, None)
        if not self._profile.income_page or not section.has_positions:
            return set()
        start = clamp_to_history(since, now, self._profile.funding_history_days)
        try:
            first = await self._first(section, start, now)
        except ReadFailed as failed:
            if failed.retryable:
                raise
            _log.warning("the list of income is refused: %s: %s", failed.code, failed.message)
            return set()
        if first is None:
            return set()
        first = {symbol: at for symbol, at in first.items() if symbol in section.symbols}
        self._known[section.name] = Activity(since=start, until=now, first=first)
        return set(first)

    async def _first(
        self, section: AccountSection, start: datetime, now: datetime
    ) -> dict[str, datetime] | None:
        """The first income of each symbol; ``None``: more than is read."""
        page, since = self._profile.income_page, to_milliseconds(start)
        first: dict[str, datetime] = {}
        params = {"type": "swap", "subType": section.kind.value, "until": to_milliseconds(now)}
        for _ in range(_PAGES_MAX):
            answer = await self._client.read(_INCOME, None, since, page, params)
            rows = require_rows(answer, _INCOME)
            for row in rows:
                at, name = get_timestamp(row, "timestamp"), _market_id(row)
                if at is None:
                    return None
                since = max(since, to_milliseconds(at))
                if name:
                    symbol = self._client.exchange.safe_symbol(name, None, None, "swap")
                    first[symbol] = min(at, first.get(symbol, at))
            if len(rows) < page:
                return first
        return None


def _market_id(row: Mapping[str, object]) -> str | None:
    info = row.get("info")
    name = info.get("symbol") if isinstance(info, Mapping) else None
    return str(name) if name else None
