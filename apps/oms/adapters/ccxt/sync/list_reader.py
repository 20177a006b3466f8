"""Reads the lists of an account: whole or of a span of time, by symbol where a venue needs one."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.fields import get_timestamp, to_milliseconds
from oms.adapters.ccxt.sync.activity_reader import ActivityReader
from oms.adapters.ccxt.sync.paging import (
    PAGES_MAX,
    TimeWindow,
    clamp_to_history,
    fetch_all,
    split_windows,
    until_params,
)
from oms.adapters.ccxt.sync.raw_row_buffer import (
    CONFLICTING_DUPLICATE,
    ORDER,
    TRADE,
    RawRowBuffer,
    Row,
)
from oms.adapters.ccxt.venues.account_sections import AccountSection
from oms.adapters.ccxt.venues.profile import VenueProfile

TRADES = "fetch_my_trades"
#: Fields in which two versions of one execution must agree.
_TRADE_FIELDS = ("side", "price", "amount", "timestamp")


class ListReader:
    """The lists of orders and executions of one account. Each method raises ``ReadFailed``."""

    def __init__(
        self,
        client: ExchangeClient,
        profile: VenueProfile,
        symbols: Callable[[], Iterable[str]],
        raw_rows: RawRowBuffer,
        activity: ActivityReader,
    ) -> None:
        self._client = client
        self._profile = profile
        self._activity = activity
        #: Symbols to read where a venue lists nothing without one.
        self._symbols = symbols
        self._raw_rows = raw_rows

    async def rows(
        self,
        method: str,
        section: AccountSection,
        params: Mapping[str, object],
        symbols: Collection[str] | None,
    ) -> list[Row]:
        """Returns all rows of a list; ``symbols`` ``None``: without a symbol."""
        names = self._symbols_to_query(section, symbols)
        return self._keep(method, await self._fetch(method, section, None, params, names))

    async def history(
        self,
        method: str,
        section: AccountSection,
        since: datetime,
        until: datetime,
        params: Mapping[str, object],
        symbols: Collection[str],
        now: datetime | None = None,
    ) -> list[Row]:
        """Returns the rows of a span of time, in windows; by ids where that needs fewer requests.

        ``now`` is when the venue's history ends, if it is not ``until``.
        """
        start = self.clamp_to_history(since, now or until, section)
        windows = split_windows(start, until, self._window_days(section))
        names = self._symbols_to_query(section, symbols)
        from_id_param = self._profile.from_id_params.get(section.kind, {}).get(method, "")
        if from_id_param and len(windows) > 1:
            span = TimeWindow(since=start, until=until)
            rows = await self._fetch(method, section, start, params, names, from_id_param)
            return self._keep(method, [row for row in rows if _is_within(row, span)])
        if self._first_id_param(method, section) and len(windows) > 1:
            rows = []
            for name in names:
                rows += await self._read_from_first_id(method, section, windows, params, name)
            return rows
        return await self._read_windows(method, section, windows, params, names)

    async def _read_windows(
        self,
        method: str,
        section: AccountSection,
        windows: Iterable[TimeWindow],
        params: Mapping[str, object],
        names: Sequence[str | None],
    ) -> list[Row]:
        rows: list[Row] = []
        for window in windows:
            window_params = self._with_until(params, window.until)
            rows += await self._fetch(method, section, window.since, window_params, names)
        return self._keep(method, rows)

    async def _read_from_first_id(
        self,
        method: str,
        section: AccountSection,
        windows: Sequence[TimeWindow],
        params: Mapping[str, object],
        name: str | None,
    ) -> list[Row]:
        """The rows of a symbol by their ids, and by windows what these do not prove to contain.

        Without a time the list may be that of the last window only: a row from before it proves
        that it is not, and a symbol that was idle before needs no proof. A list that takes more
        pages than there are windows is read by these.
        """
        span = TimeWindow(since=windows[0].since, until=windows[-1].until)
        param, page = self._first_id_param(method, section), self._profile.page_size(method)
        rows = await self._fetch(
            method, section, None, params, [name], first_id_param=param, pages_max=len(windows)
        )
        if page is not None and len(rows) >= len(windows) * page:
            return await self._read_windows(method, section, windows, params, [name])
        days = self._window_days(section)
        last = span.until - timedelta(days=days)
        inside = self._keep(method, [row for row in rows if _is_within(row, span)])
        if any(_is_before(row, last) for row in rows):
            return inside
        idle_from = self._activity.idle_from(section, name, last)
        missing = split_windows(span.since, idle_from, days) if idle_from > span.since else ()
        return [*await self._read_windows(method, section, missing, params, [name]), *inside]

    def _first_id_param(self, method: str, section: AccountSection) -> str:
        return self._profile.first_id_params.get(section.kind, {}).get(method, "")

    def has_windows(self, section: AccountSection, since: datetime, until: datetime) -> bool:
        """Returns whether a span takes more than one request."""
        return len(split_windows(since, until, self._window_days(section))) > 1

    def clamp_to_history(self, since: datetime, now: datetime, section: AccountSection) -> datetime:
        """Returns ``since``, or the start of the venue's history."""
        profile = self._profile
        days = profile.history_days.get(section.kind, profile.history_days_max)
        return clamp_to_history(since, now, days)

    async def _fetch(
        self,
        method: str,
        section: AccountSection,
        since: datetime | None,
        params: Mapping[str, object],
        names: Sequence[str | None],
        from_id_param: str = "",
        first_id_param: str = "",
        pages_max: int = PAGES_MAX,
    ) -> list[Row]:
        """All rows of a list, or those since then; with parameters of ids also older ones."""
        rows: list[Row] = []
        params = self._profile.request_params(method, section.kind, params)
        params = {**self._profile.list_params.get(method, {}), **params}
        on_duplicate = partial(self._record_duplicate, _kind_of(method))
        for symbol in names:
            rows += await fetch_all(
                self._client,
                method,
                symbol,
                None if since is None else to_milliseconds(since),
                self._profile.page_size(method),
                params,
                uses_cursor=self._profile.uses_cursor,
                on_duplicate=on_duplicate,
                newest_first=self._profile.newest_first,
                offset_param=self._profile.offset_param,
                from_id_param=from_id_param,
                first_id_param=first_id_param,
                pages_max=pages_max,
            )
        return rows

    def _keep(self, method: str, rows: list[Row]) -> list[Row]:
        """Keep the rows that were asked for as raw rows; returns them."""
        self._raw_rows.add(_kind_of(method), rows)
        return rows

    def _record_duplicate(self, what: str, row: Row, newest: Row) -> None:
        """Keep another version of a row; executions that contradict each other are quarantined."""
        self._raw_rows.add(what, [row])
        if what == TRADE and any(row.get(name) != newest.get(name) for name in _TRADE_FIELDS):
            self._raw_rows.quarantine(what, CONFLICTING_DUPLICATE, row)

    def _window_days(self, section: AccountSection) -> int:
        profile = self._profile
        return profile.window_days.get(section.kind, profile.window_days_max)

    def _with_until(self, params: Mapping[str, object], until: datetime) -> dict[str, object]:
        """With offset paging an end would move the pages."""
        return dict(params) if self._profile.offset_param else until_params(params, until)

    def _symbols_to_query(
        self, section: AccountSection, symbols: Collection[str] | None
    ) -> Sequence[str | None]:
        if symbols is None or not self._profile.symbol_required:
            return (None,)
        return sorted({*self._symbols(), *symbols} & section.symbols)


def _kind_of(method: str) -> str:
    return TRADE if method == TRADES else ORDER


def _is_before(row: Row, end: datetime) -> bool:
    at = row.get("timestamp")
    return isinstance(at, int) and 0 < at < to_milliseconds(end)


def _is_within(row: Row, span: TimeWindow) -> bool:
    try:
        at = get_timestamp(row, "timestamp")
    except ReadFailed:
        return True  # the parser quarantines it
    if at is None:
        return True
    start, end = to_milliseconds(span.since), to_milliseconds(span.until)
    return start <= to_milliseconds(at) <= end
