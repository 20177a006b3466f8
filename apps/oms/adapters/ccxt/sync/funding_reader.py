"""Reads the funding payments of an account from the venue's own list of them.

A list that the venue refuses for good (a missing permission, an unsupported method) is set aside:
the rest of the account is read without it, and the list is tried again later, from where the
payments are missing.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.fields import to_milliseconds
from oms.adapters.ccxt.parsing.funding_rows import parse_funding_history
from oms.adapters.ccxt.sync.funding_legs import with_legs
from oms.adapters.ccxt.sync.paging import (
    clamp_to_history,
    fetch_all,
    split_windows,
    until_params,
)
from oms.adapters.ccxt.sync.raw_row_buffer import FUNDING, RawRowBuffer, Row
from oms.adapters.ccxt.venues.account_sections import AccountSection
from oms.adapters.ccxt.venues.profile import VenueProfile
from oms.domain.errors import Refused
from oms.domain.orders.execution_report import Charge

_log = logging.getLogger("oms.ccxt")
_FUNDING = "fetch_funding_history"
RETRY_INTERVAL = timedelta(hours=1)
"""How often a list that was refused for good is tried again."""


class FundingReader:
    """The funding payments of one account."""

    def __init__(
        self, client: ExchangeClient, venue: str, profile: VenueProfile, raw_rows: RawRowBuffer
    ) -> None:
        self._client = client
        self._venue = venue
        self._profile = profile
        self._raw_rows = raw_rows
        #: Why the list cannot be read, since when it was not, and when it is tried again.
        self._unavailable: Refused | None = None
        self._unread_from: datetime | None = None
        self._retry_at: datetime | None = None

    @property
    def unavailable_reason(self) -> Refused | None:
        """Why funding cannot be read; ``None`` where it can, or has no list."""
        return self._unavailable

    async def __call__(
        self,
        section: AccountSection,
        since: datetime,
        until: datetime,
        now: datetime,
        symbols: Collection[str],
        *,
        has_legs: bool,
    ) -> Sequence[Charge] | None:
        """Return the payments; ``None`` while the list is set aside.

        ``symbols`` are read where the venue lists payments by symbol. Raises ``ReadFailed`` for a
        failure that may pass.
        """
        start = since if self._unread_from is None else min(since, self._unread_from)
        if self._is_set_aside(now):
            self._unread_from = start
            return None
        try:
            rows = await self._rows(section, start, until, now, symbols)
            paid = self._parse(rows, now, has_legs=has_legs)
            paid = [each for each in paid if start <= each.executed_at <= until]
            paid = await with_legs(self._client, paid)
        except ReadFailed as failed:
            if failed.retryable:
                raise
            self._set_aside(failed, start, now)
            return None
        self._unavailable = self._retry_at = None
        if until >= now:
            self._unread_from = None
        return paid

    def _is_set_aside(self, now: datetime) -> bool:
        """Whether it is not tried yet; it is after the clock was set back."""
        if self._retry_at is None:
            return False
        return self._retry_at - RETRY_INTERVAL <= now < self._retry_at

    def _parse(self, rows: Sequence[Row], now: datetime, *, has_legs: bool) -> list[Charge]:
        quarantine = partial(self._raw_rows.quarantine, FUNDING)
        paid = parse_funding_history(
            rows,
            self._client.instruments,
            self._profile,
            now,
            has_legs=has_legs,
            quarantine=quarantine,
        )
        # A payment made meanwhile moves the pages of venues that skip rows: some are read twice.
        unique = {(each.symbol, each.charge_id, each.side): each for each in paid}
        return list(unique.values())

    def _set_aside(self, failed: ReadFailed, start: datetime, now: datetime) -> None:
        if self._unavailable is None:
            _log.warning(
                "%s refuses the list of funding payments, which are not booked: %s: %s",
                self._venue,
                failed.code,
                failed.message,
            )
        self._unavailable = Refused(code=failed.code, message=failed.message)
        self._unread_from = start
        self._retry_at = now + RETRY_INTERVAL

    async def _rows(
        self,
        section: AccountSection,
        since: datetime,
        until: datetime,
        now: datetime,
        symbols: Collection[str],
    ) -> list[Row]:
        profile, rows = self._profile, list[Row]()
        start = clamp_to_history(since, now, profile.funding_history_days)
        names: Sequence[str | None] = (
            sorted(section.symbols & set(symbols)) if profile.funding_by_symbol else (None,)
        )
        for name in names:
            for window in split_windows(start, until, profile.funding_window_days):
                rows += await fetch_all(
                    self._client,
                    _FUNDING,
                    name,
                    to_milliseconds(window.since),
                    profile.funding_page,
                    self._params(section, window.until),
                    uses_cursor=False,
                    offset_param=profile.funding_offset_param,
                    before_id_param=profile.funding_before_id_param,
                )
        return rows

    def _params(self, section: AccountSection, until: datetime) -> Mapping[str, object]:
        params = self._profile.request_params(_FUNDING, section.kind, {})
        is_open = self._profile.funding_offset_param or not self._profile.funding_takes_until
        return params if is_open else until_params(params, until)
