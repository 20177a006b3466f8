"""Pages of history. A page by key neither counts nor skips rows: it starts after an id."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, Literal

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.dialect import PADDED_VALUES_MAX, Dialect
from oms.adapters.sql.connection.replica_reads import ReportReads
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.reads.event_seq_at import STREAM_INDEX, event_seqs_before
from oms.adapters.sql.reads.linked_orders import linked_orders_query
from oms.adapters.sql.reads.page_query import (
    Conditions,
    HistoryTable,
    page_query,
    window_conditions,
)
from oms.adapters.sql.rows import commands, deals, events, orders, positions
from oms.adapters.sql.rows.valid_rows import decode_rows
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.ports.command_queue import CommandRow
from oms.ports.history_reads import (
    FirstRequest,
    HistoryQuery,
    LedgerSnapshot,
    Page,
    Row,
    StoredEventRow,
)

_ORDERS = HistoryTable(
    table="oms_orders", columns=orders.SELECTED, moment="updated_at", status="status"
)
_POSITIONS = HistoryTable(
    table="oms_positions", columns=positions.SELECTED, moment="updated_at", status="state"
)
_DEALS = HistoryTable(table="oms_deals", columns=deals.SELECTED, moment="executed_at")
_COMMANDS = HistoryTable(
    table="oms_commands", columns=commands.SELECTED, moment="created_at", status="status"
)

RowDecoder = Callable[[Any, Dialect], Any]


class SqlHistoryReads:
    """``ports.history_reads.HistoryReads``; every method raises ``Unavailable``."""

    def __init__(
        self,
        database: Database,
        reports: ReportReads | None = None,
        *,
        skips_invalid: bool = False,
    ) -> None:
        self._database = database
        #: For pages of orders, positions and deals; the commands of a replica may be older.
        self._reports: ReportReads = reports or database
        self._dialect = database.dialect
        #: For verification: rows that cannot be decoded are left out.
        self._skips_invalid = skips_invalid

    async def open_orders(self, window: HistoryQuery, limit: int) -> Sequence[Order]:
        """Return the newest ``limit`` open orders, ascending."""
        where = window_conditions(self._dialect, _ORDERS, window).and_("is_open = 1")
        table = self._dialect.with_index("oms_orders", "ix_oms_orders_open")
        return await self._newest(_ORDERS, table, where, limit, orders.order_from_row)

    async def open_positions(self, window: HistoryQuery, limit: int) -> Sequence[Position]:
        """Return the newest ``limit`` open positions, ascending."""
        where = window_conditions(self._dialect, _POSITIONS, window).and_(
            f"state IN ({positions.OPEN_STATES_SQL})"
        )
        table = self._dialect.with_index("oms_positions", "ix_oms_positions_state")
        return await self._newest(_POSITIONS, table, where, limit, positions.position_from_row)

    async def orders(self, window: HistoryQuery) -> Page[Order]:
        """Return a page of orders in any state."""
        return await self._page(_ORDERS, window, orders.order_from_row)

    async def positions(self, window: HistoryQuery) -> Page[Position]:
        """Return a page of positions in any state."""
        return await self._page(_POSITIONS, window, positions.position_from_row)

    async def deals(self, window: HistoryQuery) -> Page[Deal]:
        """Return a page of deals."""
        return await self._page(_DEALS, window, deals.deal_from_row)

    async def deals_of_orders(self, window: HistoryQuery) -> Page[Deal]:
        """Return a page of deals of the orders that match the query."""
        those = window_conditions(self._dialect, _ORDERS, window)
        where = Conditions(
            f"order_id IN (SELECT id FROM oms_orders WHERE {those.text})", those.values
        )
        return await self._page(_DEALS, window, deals.deal_from_row, where)

    async def commands(self, window: HistoryQuery) -> Page[CommandRow]:
        """Return a page of commands."""
        return await self._page(_COMMANDS, window, commands.command_from_row, reads=self._database)

    async def orders_by_id(self, ids: Sequence[int]) -> Sequence[Order]:
        """Return orders by id, ascending."""
        return await self._rows_by(_ORDERS, "id", ids, orders.order_from_row)

    async def positions_by_id(self, ids: Sequence[int]) -> Sequence[Position]:
        """Return positions by id, ascending."""
        return await self._rows_by(_POSITIONS, "id", ids, positions.position_from_row)

    async def deals_by_id(self, ids: Sequence[int]) -> Sequence[Deal]:
        """Return deals by id, ascending."""
        return await self._rows_by(_DEALS, "id", ids, deals.deal_from_row)

    async def deals_by_order(self, order_ids: Sequence[int]) -> Sequence[Deal]:
        """Return deals of the orders, ascending."""
        return await self._rows_by(_DEALS, "order_id", order_ids, deals.deal_from_row)

    async def first_request(self, order_id: int) -> FirstRequest | None:
        """Return when an order was sent to its exchange."""
        text = (
            "SELECT sent_at, acked_at FROM oms_order_attempts"
            f" WHERE order_id = {self._dialect.param} AND attempt = 1 AND kind = 'place'"
        )
        time = self._dialect.decode_optional_time
        for row in await self._database.fetch(text, (order_id,)):
            return FirstRequest(sent_at=time(row[0]), answered_at=time(row[1]))
        return None

    async def linked_orders(self, order_ids: Sequence[int], limit: int) -> Sequence[Order]:
        """Return parents, children and the rest of the groups of orders, ascending by id."""
        if not order_ids:
            return ()
        text, values = linked_orders_query(self._dialect, order_ids, limit)
        return self._decoded(await self._database.fetch(text, values), orders.order_from_row)

    async def account_of(
        self, entity: Literal["order", "position"], ids: Sequence[int]
    ) -> Mapping[int, tuple[int, int]]:
        """Return (account id, strategy id) by row id."""
        if not ids:
            return {}
        table = "oms_orders" if entity == "order" else "oms_positions"
        text = (
            f"SELECT id, account_id, strategy_id FROM {table}"
            f" WHERE id IN ({self._dialect.params(len(ids))})"
        )
        return {row[0]: (row[1], row[2]) for row in await self._database.fetch(text, ids)}

    async def snapshot(self, account_id: int, limit: int) -> LedgerSnapshot:
        """Return the newest open orders and positions and their event number, from one snapshot."""
        dialect = self._dialect
        window = HistoryQuery(account_ids=(account_id,))
        head = f"SELECT head_seq FROM account_streams WHERE account_id = {dialect.param}"
        queries = [
            _newest_text(
                dialect,
                _ORDERS,
                dialect.with_index("oms_orders", "ix_oms_orders_open"),
                window_conditions(dialect, _ORDERS, window).and_("is_open = 1"),
                limit,
            ),
            _newest_text(
                dialect,
                _POSITIONS,
                dialect.with_index("oms_positions", "ix_oms_positions_state"),
                window_conditions(dialect, _POSITIONS, window).and_(
                    f"state IN ({positions.OPEN_STATES_SQL})"
                ),
                limit,
            ),
        ]

        async def work(session: Session) -> Sequence[Sequence[Any]]:
            rows = [await session.fetch(head, (account_id,))]
            return rows + [await session.fetch(text, values) for text, values in queries]

        heads, found_orders, found_positions = await self._database.read_consistent(work)
        return LedgerSnapshot(
            account_id=account_id,
            seq=heads[0][0] if heads else 0,
            orders=[orders.order_from_row(row, dialect) for row in reversed(found_orders)],
            positions=[
                positions.position_from_row(row, dialect) for row in reversed(found_positions)
            ],
        )

    async def heads(self, account_ids: Sequence[int]) -> Mapping[int, int]:
        """Return the last event number of each account."""
        if not account_ids:
            return {}
        params, values = self._dialect.in_list(account_ids)
        text = f"SELECT account_id, head_seq FROM account_streams WHERE account_id IN ({params})"
        return {row[0]: row[1] for row in await self._fetch_repeated(text, values)}

    async def oldest(self, account_ids: Sequence[int]) -> Mapping[int, int]:
        """Return the first retained event number of each account."""
        if not account_ids:
            return {}
        # One lookup per account: GROUP BY would scan all events on SQLite.
        first = (
            f"SELECT e.seq FROM {self._dialect.with_index('event_outbox', STREAM_INDEX, 'e')}"
            " WHERE e.account_id = s.account_id ORDER BY e.seq_to LIMIT 1"
        )
        text = (
            f"SELECT s.account_id, ({first}) FROM account_streams s"
            f" WHERE s.account_id IN ({self._dialect.params(len(account_ids))})"
        )
        rows = await self._database.fetch(text, account_ids)
        return {row[0]: row[1] for row in rows if row[1] is not None}

    async def events(self, after: Mapping[int, int], limit: int) -> Sequence[StoredEventRow]:
        """Return event rows after the given numbers, ascending per account, at most ``limit``."""
        if not after:
            return ()
        dialect = self._dialect
        pairs = dialect.pad_values(after.items())
        behind = f"(account_id = {dialect.param} AND seq_to > {dialect.param})"
        text = (
            f"SELECT {events.SELECTED} FROM {dialect.with_index('event_outbox', STREAM_INDEX)}"
            f" WHERE {' OR '.join([behind] * len(pairs))}"
            f" ORDER BY account_id, seq_to LIMIT {dialect.param}"
        )
        found_rows = await self._fetch_repeated(text, (*chain(*pairs), limit))
        return self._decoded(found_rows, events.events_from_row)

    async def locate_event(self, event_id: int) -> tuple[int, int, datetime] | None:
        """Return (account id, number, time) of an event.

        Its row is the last one whose first event id is not greater.
        """
        dialect = self._dialect
        text = (
            "SELECT id, account_id, seq, seq_to, created_at FROM event_outbox"
            f" WHERE id <= {dialect.param} ORDER BY id DESC LIMIT 1"
        )
        for row in await self._database.fetch(text, (event_id,)):
            offset = event_id - row[0]
            if row[2] + offset <= row[3]:
                return row[1], row[2] + offset, dialect.decode_time(row[4])
        return None

    async def event_seqs_before(
        self, account_ids: Sequence[int], moment: datetime
    ) -> Mapping[int, int]:
        """Return the last number of each account written before ``moment``."""

        async def work(session: Session) -> Mapping[int, int]:
            return await event_seqs_before(session, account_ids, moment)

        return await self._database.read(work)

    async def _fetch_repeated(self, text: str, values: Sequence[Any]) -> Sequence[Any]:
        """Return rows of a query that repeats often; prepared unless its text is unique."""
        return await self._database.fetch(text, values, prepare=len(values) <= PADDED_VALUES_MAX)

    async def _newest(
        self, kind: HistoryTable, table: str, where: Conditions, limit: int, reader: RowDecoder
    ) -> Sequence[Any]:
        rows = await self._database.fetch(*_newest_text(self._dialect, kind, table, where, limit))
        return self._decoded(reversed(rows), reader)

    def _decoded(self, rows: Iterable[Any], reader: RowDecoder) -> list[Any]:
        return decode_rows(rows, reader, self._dialect, skips_invalid=self._skips_invalid)

    async def _page(
        self,
        kind: HistoryTable,
        window: HistoryQuery,
        reader: RowDecoder,
        where: Conditions | None = None,
        reads: ReportReads | None = None,
    ) -> Page[Row]:
        dialect, account_ids = self._dialect, window.account_ids
        fetch = partial((reads or self._reports).fetch_of_accounts, account_ids)
        text, values = page_query(dialect, kind, window, where)
        rows = await fetch(text, values)
        total = None
        if window.with_total and window.after_id is None:
            where = where or window_conditions(dialect, kind, window)
            counting = f"SELECT COUNT(*) FROM {kind.table} WHERE {where.text}"
            total = int((await fetch(counting, where.values))[0][0])
        more = len(rows) > window.page_size
        page_rows = rows[: window.page_size]
        return Page(
            items=self._decoded(page_rows, reader),
            total=total,
            next_after_id=page_rows[-1][0] if more else None,
        )

    async def _rows_by(
        self, kind: HistoryTable, column: str, ids: Sequence[int], reader: RowDecoder
    ) -> Sequence[Any]:
        if not ids:
            return ()
        text = (
            f"SELECT {kind.columns} FROM {kind.table}"
            f" WHERE {column} IN ({self._dialect.params(len(ids))}) ORDER BY id"
        )
        return self._decoded(await self._database.fetch(text, ids), reader)


def _newest_text(
    dialect: Dialect, kind: HistoryTable, table: str, where: Conditions, limit: int
) -> tuple[str, Sequence[Any]]:
    text = (
        f"SELECT {kind.columns} FROM {table} WHERE {where.text}"
        f" ORDER BY id DESC LIMIT {dialect.param}"
    )
    return text, (*where.values, limit)
