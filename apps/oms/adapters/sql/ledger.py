"""The one transaction that trading writes, and what an account's home reads when it moves in.

A commit begins with the fence: one statement advances the event stream of every account, each
only under its lease's token and from the number its home knew. What it does not find has another
home by now: those accounts fall out and the rest is begun again. A stopped worker that wakes up
writes nothing, whatever it believes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from oms.adapters.sql import refold_reads
from oms.adapters.sql.commit import FENCE, lost_of, script_of
from oms.adapters.sql.database import Database
from oms.adapters.sql.errors import Duplicate, InDoubt, in_doubt
from oms.adapters.sql.image import OPEN_ORDERS_INDEX, OPEN_STATES, POSITIONS_INDEX, image_of
from oms.adapters.sql.rows import deals, orders, positions
from oms.adapters.sql.script import Missed
from oms.adapters.sql.session import Session
from oms.adapters.sql.trim import trimmed
from oms.domain.deal import Deal
from oms.domain.errors import OmsError
from oms.domain.legs import FoldKey
from oms.domain.order import Order
from oms.domain.position import Position
from oms.ports.leases import Lease
from oms.ports.ledger import AccountBatch, AccountImage, FoldedRows


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

    async def holding(self, account_ids: Sequence[int]) -> Sequence[int]:
        """Accounts with open positions, ascending. Raises ``Unavailable``."""
        if not account_ids:
            return ()
        table = self._dialect.pinned("oms_positions", POSITIONS_INDEX)
        text = (
            f"SELECT DISTINCT account_id FROM {table}"
            f" WHERE account_id IN ({self._dialect.marks(len(account_ids))})"
            f" AND state IN ({OPEN_STATES}) ORDER BY account_id"
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

    async def newest_key(self, account_id: int, symbol: str) -> FoldKey | None:
        """The place of the symbol's newest trade. Raises ``Unavailable``."""

        async def work(session: Session) -> FoldKey | None:
            return await refold_reads.newest_key(session, account_id, symbol)

        return await self._database.consistent(work)

    async def senders(
        self, account_id: int, symbol: str, names: Sequence[str]
    ) -> Mapping[str, int]:
        """Who sent orders, among accounts on the same credentials. Raises ``Unavailable``."""

        async def work(session: Session) -> Mapping[str, int]:
            return await refold_reads.senders(session, account_id, symbol, names)

        return await self._database.consistent(work) if names else {}

    async def orders_by_exchange_id(
        self, account_id: int, symbol: str, names: Sequence[str]
    ) -> Mapping[str, Order]:
        """Orders by exchange order id. Raises ``Unavailable``."""

        async def work(session: Session) -> Mapping[str, Order]:
            return await refold_reads.orders_by_exchange_id(session, account_id, symbol, names)

        return await self._database.consistent(work) if names else {}

    async def folded_since(self, account_id: int, symbol: str, moment: datetime) -> FoldedRows:
        """What must be folded again from ``moment`` on. Raises ``Unavailable``."""

        async def work(session: Session) -> FoldedRows:
            return await refold_reads.folded_since(session, account_id, symbol, moment)

        return await self._database.consistent(work)

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
                assert fenced.lost, "fewer streams were ours than the fence asked for"
                lost |= fenced.lost
                pending = [b for b in pending if b.lease.account_id not in lost]
            else:
                break
        return lost

    async def trim(self, before: datetime, limit: int, calls_before: datetime | None = None) -> int:
        """Forget old events and read calls. Raises ``Unavailable``."""

        async def work(session: Session) -> int:
            return await trimmed(session, before, calls_before or before, limit)

        try:
            return await self._database.write(work)
        except InDoubt as doubt:
            raise in_doubt() from doubt

    async def _write(self, batches: Sequence[AccountBatch]) -> None:
        script = script_of(batches, self._dialect)

        async def work(session: Session) -> None:
            try:
                await session.send(script)
            except Missed as missed:
                assert missed.statement.name == FENCE, f"a row of {missed} is missing"
                raise _Fenced(await lost_of(session, batches)) from missed

        try:
            await self._database.write(work)
        except InDoubt as doubt:
            raise in_doubt() from doubt
        except Duplicate as twice:
            raise OmsError("a row of the ledger exists already", reason="duplicate") from twice
