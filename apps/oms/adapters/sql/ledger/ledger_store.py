"""The ledger store: the transaction written by trading and the reads of a leased account.

A commit starts with a fencing statement: it advances the event stream of every account, each only
under its lease token and from the expected event number. Accounts it does not match have another
owner: they are left out and the transaction is repeated with the rest. A worker that resumes after
a stall therefore writes nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from oms.adapters.sql.archive.archived_names import ArchivedNames
from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.errors import (
    DuplicateKey,
)
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.connection.statement_batch import StaleRowError
from oms.adapters.sql.ledger import replay_reads
from oms.adapters.sql.ledger.account_loader import (
    OPEN_ORDERS_INDEX,
    POSITIONS_INDEX,
    load_account,
)
from oms.adapters.sql.ledger.commit import FENCE, build_commit, find_lost_accounts
from oms.adapters.sql.maintenance.retention import delete_expired
from oms.adapters.sql.performance.booked_sums import CarriedSums
from oms.adapters.sql.rows import deals, orders, positions
from oms.domain.errors import OmsError
from oms.domain.ledger.allocation import ExecutionKey
from oms.domain.ledger.deal import Deal, DealEntry
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.ports.clock import Clock
from oms.ports.leases import Lease
from oms.ports.ledger_store import AccountBatch, LoadedAccount, SymbolHistoryRows

_HAS_STOP_LEVELS = "stop_loss IS NOT NULL OR stop_gain IS NOT NULL OR levels_json IS NOT NULL"


class _LeasesLost(Exception):
    """The leases of some accounts are lost; nothing is written yet."""

    def __init__(self, account_ids: frozenset[int]) -> None:
        super().__init__()
        self.account_ids = account_ids


class SqlLedgerStore:
    """``ports.ledger_store.LedgerStore``."""

    def __init__(self, database: Database, sums: CarriedSums, clock: Clock) -> None:
        self._database = database
        self._dialect = database.dialect
        self._sums = sums
        self._clock = clock
        self._archived = ArchivedNames(database)

    async def load(self, lease: Lease) -> LoadedAccount:
        """Return the committed state of a leased account. Raises ``LeaseLost``, ``Unavailable``."""

        async def work(session: Session) -> LoadedAccount:
            return await load_account(session, lease)

        return await self._database.read_consistent(work)

    async def accounts_with_open_orders(self, account_ids: Sequence[int]) -> Sequence[int]:
        """Return the accounts with open orders, ascending. Raises ``Unavailable``."""
        if not account_ids:
            return ()
        table = self._dialect.with_index("oms_orders", OPEN_ORDERS_INDEX)
        text = (
            f"SELECT DISTINCT account_id FROM {table}"
            f" WHERE account_id IN ({self._dialect.params(len(account_ids))}) AND is_open = 1"
            " ORDER BY account_id"
        )
        return [row[0] for row in await self._database.fetch(text, account_ids)]

    async def accounts_with_stop_levels(self, account_ids: Sequence[int]) -> Sequence[int]:
        """Return the accounts with stop levels or alerts, ascending. Raises ``Unavailable``."""
        if not account_ids:
            return ()
        leveled = await self._accounts_with_positions(account_ids, f" AND ({_HAS_STOP_LEVELS})")
        text = (
            "SELECT DISTINCT account_id FROM price_alerts"
            f" WHERE account_id IN ({self._dialect.params(len(account_ids))})"
        )
        alerted = [row[0] for row in await self._database.fetch(text, account_ids)]
        return sorted({*leveled, *alerted})

    async def accounts_with_positions(self, account_ids: Sequence[int]) -> Sequence[int]:
        """Return the accounts with open positions, ascending. Raises ``Unavailable``."""
        return await self._accounts_with_positions(account_ids, "")

    async def _accounts_with_positions(
        self, account_ids: Sequence[int], condition: str
    ) -> Sequence[int]:
        if not account_ids:
            return ()
        table = self._dialect.with_index("oms_positions", POSITIONS_INDEX)
        text = (
            f"SELECT DISTINCT account_id FROM {table}"
            f" WHERE account_id IN ({self._dialect.params(len(account_ids))})"
            f" AND state IN ({positions.OPEN_STATES_SQL}){condition} ORDER BY account_id"
        )
        return [row[0] for row in await self._database.fetch(text, account_ids)]

    async def order(self, account_id: int, order_id: int) -> Order | None:
        """Return an order in any state. Raises ``Unavailable``."""
        param = self._dialect.param
        text = (
            f"SELECT {orders.SELECTED} FROM oms_orders WHERE id = {param} AND account_id = {param}"
        )
        rows = await self._database.fetch(text, (order_id, account_id))
        return orders.order_from_row(rows[0], self._dialect) if rows else None

    async def position(self, account_id: int, position_id: int) -> Position | None:
        """Return a position in any state. Raises ``Unavailable``."""
        param = self._dialect.param
        text = (
            f"SELECT {positions.SELECTED} FROM oms_positions"
            f" WHERE id = {param} AND account_id = {param}"
        )
        rows = await self._database.fetch(text, (position_id, account_id))
        return positions.position_from_row(rows[0], self._dialect) if rows else None

    async def deals_of(
        self, account_id: int, symbol: str, trade_ids: Sequence[str]
    ) -> Mapping[str, Sequence[Deal]]:
        """Return booked deals by exchange trade id, legs ascending. Raises ``Unavailable``."""
        if not trade_ids:
            return {}
        param = self._dialect.param
        text = (
            f"SELECT {deals.SELECTED} FROM oms_deals WHERE account_id = {param}"
            f" AND symbol = {param} AND exchange_trade_id"
            f" IN ({self._dialect.params(len(trade_ids))}) ORDER BY exchange_trade_id, leg"
        )
        deals_by_trade_id: dict[str, list[Deal]] = {}
        for row in await self._database.fetch(text, (account_id, symbol, *trade_ids)):
            deal = deals.deal_from_row(row, self._dialect)
            deals_by_trade_id.setdefault(deal.exchange_trade_id, []).append(deal)
        return deals_by_trade_id

    async def archived_trades(
        self, account_id: int, symbol: str, trade_ids: Sequence[str]
    ) -> frozenset[str]:
        """Return those of the trade ids whose deals are archived. Raises ``Unavailable``."""
        return frozenset(await self._archived.deals(account_id, symbol, trade_ids))

    async def archived_orders(
        self, account_id: int, symbol: str, exchange_order_ids: Sequence[str]
    ) -> frozenset[str]:
        """Return those of the orders that are archived. Raises ``Unavailable``."""
        return frozenset(await self._archived.orders(account_id, symbol, exchange_order_ids))

    async def entry_orders(self, account_id: int, position_ids: Sequence[int]) -> frozenset[int]:
        """Return the orders that opened the positions or added to them. Raises ``Unavailable``."""
        if not position_ids:
            return frozenset()
        text = (
            f"SELECT DISTINCT order_id FROM oms_deals WHERE account_id = {self._dialect.param}"
            f" AND position_id IN ({self._dialect.params(len(position_ids))})"
            f" AND entry = '{DealEntry.IN.value}' AND order_id IS NOT NULL"
        )
        rows = await self._database.fetch(text, (account_id, *position_ids))
        return frozenset(row[0] for row in rows)

    async def newest_execution_key(self, account_id: int, symbol: str) -> ExecutionKey | None:
        """Return the replay key of the symbol's newest trade. Raises ``Unavailable``."""

        async def work(session: Session) -> ExecutionKey | None:
            return await replay_reads.load_newest_key(session, account_id, symbol)

        return await self._database.read_consistent(work)

    async def sending_accounts(
        self, account_id: int, symbol: str, names: Sequence[str]
    ) -> Mapping[str, int]:
        """Return sending accounts by exchange order id. Raises ``Unavailable``."""

        async def work(session: Session) -> Mapping[str, int]:
            return await replay_reads.load_senders(session, account_id, symbol, names)

        return await self._database.read_consistent(work) if names else {}

    async def account_of_order(self, account_id: int, order_id: int) -> int | None:
        """Return the other account that sent an order. Raises ``Unavailable``."""

        async def work(session: Session) -> int | None:
            return await replay_reads.load_account_of_order(session, account_id, order_id)

        return await self._database.read_consistent(work)

    async def orders_by_exchange_id(
        self, account_id: int, symbol: str, names: Sequence[str]
    ) -> Mapping[str, Order]:
        """Return orders by exchange order id. Raises ``Unavailable``."""

        async def work(session: Session) -> Mapping[str, Order]:
            return await replay_reads.load_orders_by_exchange_id(session, account_id, symbol, names)

        return await self._database.read_consistent(work) if names else {}

    async def history_since(
        self, account_id: int, symbol: str, moment: datetime, position_ids: Sequence[int] = ()
    ) -> SymbolHistoryRows:
        """Return the rows to replay from ``moment`` on. Raises ``Unavailable``."""

        async def work(session: Session) -> SymbolHistoryRows:
            return await replay_reads.load_rows_since(
                session, account_id, symbol, moment, position_ids
            )

        return await self._database.read_consistent(work)

    async def orders_by_client_id(
        self, names: Sequence[tuple[int, str]]
    ) -> Mapping[tuple[int, str], Order]:
        """Return orders by (account id, client order id). Raises ``Unavailable``."""
        by_account: dict[int, list[str]] = {}
        for account_id, client_order_id in names:
            by_account.setdefault(account_id, []).append(client_order_id)
        orders_by_key: dict[tuple[int, str], Order] = {}
        for account_id, client_ids in by_account.items():
            text = (
                f"SELECT {orders.SELECTED} FROM oms_orders"
                f" WHERE account_id = {self._dialect.param}"
                f" AND client_order_id IN ({self._dialect.params(len(client_ids))})"
            )
            for row in await self._database.fetch(text, (account_id, *client_ids)):
                order = orders.order_from_row(row, self._dialect)
                assert order.client_order_id is not None, "selected by client order id"
                orders_by_key[account_id, order.client_order_id] = order
        return orders_by_key

    async def commit(self, batches: Sequence[AccountBatch]) -> frozenset[int]:
        """Write all batches; returns the accounts left out because their lease is lost.

        Raises ``Unavailable`` if the transaction was not written or its outcome is unknown.
        """
        pending = sorted(batches, key=lambda batch: batch.lease.account_id)
        lost: frozenset[int] = frozenset()
        while pending:
            try:
                await self._write(pending)
            except _LeasesLost as error:
                assert error.account_ids, "the fence matched too few streams but no lease is lost"
                lost |= error.account_ids
                pending = [b for b in pending if b.lease.account_id not in lost]
            else:
                self._sums.committed(pending)
                break
        return lost

    async def trim(self, before: datetime, limit: int, calls_before: datetime | None = None) -> int:
        """Delete expired events and read calls; returns the row count. Raises ``Unavailable``."""

        async def work(session: Session) -> int:
            return await delete_expired(session, before, calls_before or before, limit)

        return await self._database.commit(work)

    async def _write(self, batches: Sequence[AccountBatch]) -> None:
        statements = build_commit(batches, self._dialect, self._clock.now())

        async def work(session: Session) -> None:
            try:
                await session.send(statements)
            except StaleRowError as error:
                assert error.statement.name == FENCE, f"a row of {error} is missing"
                raise _LeasesLost(await find_lost_accounts(session, batches)) from error

        try:
            await self._database.commit(work)
        except DuplicateKey as error:
            raise OmsError("a row of the ledger already exists", reason="duplicate") from error
