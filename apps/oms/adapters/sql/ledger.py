"""The one transaction that trading writes, and what an account's home reads when it moves in.

A commit begins with the fence: one statement advances the event stream of every account, each
only under its lease's token and from the number its home knew. What it does not find has another
home by now: those accounts fall out and the rest is begun again. A stopped worker that wakes up
writes nothing, whatever it believes.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from oms.adapters.sql.database import Database
from oms.adapters.sql.dialect import Dialect
from oms.adapters.sql.errors import Duplicate, InDoubt, in_doubt
from oms.adapters.sql.image import OPEN_ORDERS_INDEX, image_of
from oms.adapters.sql.rows import commands, deals, events, memory, orders, positions
from oms.adapters.sql.session import Session
from oms.adapters.sql.trim import trimmed
from oms.domain.deal import Deal
from oms.domain.errors import OmsError
from oms.domain.order import Order
from oms.domain.position import Position
from oms.ports.leases import Lease
from oms.ports.ledger import AccountBatch, AccountImage


class _Fenced(Exception):
    """Some accounts of the transaction are not ours any more; nothing is written yet."""

    def __init__(self, lost: frozenset[int]) -> None:
        super().__init__()
        self.lost = lost


class SqlLedger:
    """``ports.ledger.LedgerStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def load(self, lease: Lease) -> AccountImage:
        """The account as it stands. Raises ``LeaseLost``, ``Unavailable``."""

        async def work(session: Session) -> AccountImage:
            return await image_of(session, lease)

        return await self._database.consistent(work)

    async def busy(self, account_ids: Sequence[int]) -> Sequence[int]:
        """Accounts with open orders, ascending. Raises ``Unavailable``."""
        if not account_ids:
            return ()
        table = self._dialect.pinned("oms_orders", OPEN_ORDERS_INDEX)
        text = (
            f"SELECT DISTINCT account_id FROM {table}"
            f" WHERE account_id IN ({self._dialect.marks(len(account_ids))}) AND is_open = 1"
            " ORDER BY account_id"
        )
        return [row[0] for row in await self._database.rows(text, account_ids)]

    async def order(self, account_id: int, order_id: int) -> Order | None:
        """An order in any state. Raises ``Unavailable``."""
        mark = self._dialect.mark
        text = f"SELECT {orders.SELECTED} FROM oms_orders WHERE id = {mark} AND account_id = {mark}"
        found = await self._database.rows(text, (order_id, account_id))
        return orders.order_of(found[0], self._dialect) if found else None

    async def position(self, account_id: int, position_id: int) -> Position | None:
        """A position in any state. Raises ``Unavailable``."""
        mark = self._dialect.mark
        text = (
            f"SELECT {positions.SELECTED} FROM oms_positions"
            f" WHERE id = {mark} AND account_id = {mark}"
        )
        found = await self._database.rows(text, (position_id, account_id))
        return positions.position_of(found[0], self._dialect) if found else None

    async def deals_of(
        self, account_id: int, symbol: str, trade_ids: Sequence[str]
    ) -> Mapping[str, Sequence[Deal]]:
        """Booked deals by trade id, legs ascending. Raises ``Unavailable``."""
        if not trade_ids:
            return {}
        mark = self._dialect.mark
        text = (
            f"SELECT {deals.SELECTED} FROM oms_deals WHERE account_id = {mark}"
            f" AND symbol = {mark} AND exchange_trade_id"
            f" IN ({self._dialect.marks(len(trade_ids))}) ORDER BY exchange_trade_id, leg"
        )
        found: dict[str, list[Deal]] = {}
        for row in await self._database.rows(text, (account_id, symbol, *trade_ids)):
            deal = deals.deal_of(row, self._dialect)
            found.setdefault(deal.exchange_trade_id, []).append(deal)
        return found

    async def orders_by_client_id(
        self, names: Sequence[tuple[int, str]]
    ) -> Mapping[tuple[int, str], Order]:
        """Orders by (account, client order id). Raises ``Unavailable``."""
        by_account: dict[int, list[str]] = {}
        for account_id, client_order_id in names:
            by_account.setdefault(account_id, []).append(client_order_id)
        found: dict[tuple[int, str], Order] = {}
        for account_id, client_ids in by_account.items():
            text = (
                f"SELECT {orders.SELECTED} FROM oms_orders"
                f" WHERE account_id = {self._dialect.mark}"
                f" AND client_order_id IN ({self._dialect.marks(len(client_ids))})"
            )
            for row in await self._database.rows(text, (account_id, *client_ids)):
                order = orders.order_of(row, self._dialect)
                assert order.client_order_id is not None, "it was found by it"
                found[account_id, order.client_order_id] = order
        return found

    async def commit(self, batches: Sequence[AccountBatch]) -> frozenset[int]:
        """Write all batches but those of lost accounts, whose ids are returned.

        Raises ``Unavailable`` when it is not known to be written.
        """
        pending = sorted(batches, key=lambda batch: batch.lease.account_id)
        lost: frozenset[int] = frozenset()
        while pending:
            try:
                await self._write(pending)
            except _Fenced as fenced:
                lost |= fenced.lost
                pending = [b for b in pending if b.lease.account_id not in lost]
            else:
                break
        return lost

    async def trim(self, before: datetime, limit: int) -> int:
        """Forget old events and read calls. Raises ``Unavailable``."""

        async def work(session: Session) -> int:
            return await trimmed(session, before, limit)

        try:
            return await self._database.write(work)
        except InDoubt as doubt:
            raise in_doubt() from doubt

    async def _write(self, batches: Sequence[AccountBatch]) -> None:
        rows = _Rows(batches, self._dialect)

        async def work(session: Session) -> None:
            await _fence(session, batches)
            await rows.write(session)

        try:
            await self._database.write(work)
        except InDoubt as doubt:
            raise in_doubt() from doubt
        except Duplicate as twice:
            raise OmsError("a row of the ledger exists already", reason="duplicate") from twice


class _Rows:
    """The rows of one transaction, made once however often it is begun again."""

    def __init__(self, batches: Sequence[AccountBatch], dialect: Dialect) -> None:
        now = datetime.now(UTC)
        self._dialect = dialect
        self._orders_new = [orders.values(o, dialect) for b in batches for o in b.orders_new]
        self._orders = [orders.values(o, dialect) for b in batches for o in b.orders_changed]
        self._deals = [deals.values(d, dialect) for b in batches for d in b.deals]
        self._positions_new = [
            positions.values(p, dialect) for b in batches for p in b.positions_new
        ]
        self._positions = [
            positions.values(p, dialect) for b in batches for p in b.positions_changed
        ]
        self._results = [
            commands.finish_values(command_id, result, b.lease.token, now, dialect)
            for b in batches
            for command_id, result in b.results.items()
        ]
        self._events = [events.values(e, now, dialect) for b in batches for e in b.events]
        self._memories = {b.lease.account_id: b.memory for b in batches if b.memory is not None}

    async def write(self, session: Session) -> None:
        """Send them, always in the same order of tables."""
        await orders.INSERT(session, self._orders_new)
        await orders.UPSERT(session, self._orders)
        await deals.INSERT(session, self._deals)
        await positions.INSERT(session, self._positions_new)
        await positions.UPSERT(session, self._positions)
        await commands.FINISH(session, self._results)
        await events.INSERT(session, self._events)
        if self._memories:
            await memory.save(session, self._memories)


_ADVANCE = (
    "UPDATE account_streams SET head_seq = {0}"
    " WHERE account_id = {0} AND lease_token = {0} AND head_seq = {0}"
)


def _advance_at_once(batches: Sequence[AccountBatch], mark: str) -> tuple[str, tuple[int, ...]]:
    """All streams in one statement, for drivers to which each statement is a journey."""
    count = len(batches)
    cases = f" WHEN {mark} THEN {mark}" * count
    ours = f"(account_id = {mark} AND lease_token = {mark} AND head_seq = {mark})"
    text = (
        f"UPDATE account_streams SET head_seq = CASE account_id{cases} ELSE head_seq END"
        f" WHERE {' OR '.join([ours] * count)}"
    )
    values: list[int] = []
    for batch in batches:
        values += (batch.lease.account_id, batch.head_after)
    for batch in batches:
        values += (batch.lease.account_id, batch.lease.token, batch.head_before)
    return text, tuple(values)


async def _fence(session: Session, batches: Sequence[AccountBatch]) -> None:
    """Advance every stream under its token. Raises ``_Fenced`` if one is not ours."""
    dialect, count = session.dialect, len(batches)
    if dialect.repeats:
        ours = [(b.head_after, b.lease.account_id, b.lease.token, b.head_before) for b in batches]
        advanced = await session.repeat(_ADVANCE.format(dialect.mark), ours)
    else:
        advanced = await session.execute(*_advance_at_once(batches, dialect.mark))
    if advanced == count:
        return
    accounts = [batch.lease.account_id for batch in batches]
    found = await session.fetch(
        "SELECT account_id, lease_token, head_seq FROM account_streams"
        f" WHERE account_id IN ({dialect.marks(count)})",
        accounts,
    )
    ours_now = {(row[0], row[1], row[2]) for row in found}
    lost = frozenset(
        b.lease.account_id
        for b in batches
        if (b.lease.account_id, b.lease.token, b.head_after) not in ours_now
    )
    assert lost, "fewer streams were ours than the fence asked for"
    raise _Fenced(lost)
