"""Orders with the API keys that sent them."""

from collections.abc import Collection, Mapping, Sequence

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.rows.commands import TRADING_CALL_SQL
from oms.ports.performance.sent_orders import CommandSender, SentCall, SentOrder, SentOrderQuery
from oms.wire.json import dumps


class SqlSentOrders:
    """``ports.performance.sent_orders.SentOrderReads``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def senders(self, command_ids: Collection[int]) -> Mapping[int, CommandSender]:
        """Return who sent these commands; unknown ones are left out."""
        listed, values = self._dialect.in_list(command_ids)
        text = (
            f"SELECT id, actor_api_key_id, idempotency_key FROM oms_commands WHERE id IN ({listed})"
        )
        rows = await self._database.fetch(text, tuple(values))
        return {
            row[0]: CommandSender(api_key_id=row[1], has_idempotency_key=row[2] is not None)
            for row in rows
        }

    async def orders(self, query: SentOrderQuery) -> Sequence[SentOrder]:
        """Return the stored orders that the gateway did not refuse."""
        dialect, param = self._dialect, self._dialect.param
        # No order is older than its last change, which has an index.
        text = (
            "SELECT o.id, o.requested_qty, o.requested_price, o.trigger_price, o.created_at"
            " FROM oms_orders o JOIN oms_commands c ON c.id = o.command_id"
            f" WHERE o.account_id = {param} AND o.updated_at >= {param} AND o.created_at > {param}"
            f" AND o.strategy_id = {param} AND o.symbol = {param} AND o.side = {param}"
            f" AND o.order_type = {param} AND o.reduce_only = 0"
            f" AND (o.reject_source IS NULL OR o.reject_source <> 'oms')"
            f" AND c.actor_api_key_id = {param}"
        )
        since = dialect.encode_time(query.since)
        values = (
            *(query.account_id, since, since, query.strategy_id),
            *(query.symbol, query.side, query.order_type, query.api_key_id),
        )
        return [
            SentOrder(
                id=row[0],
                qty=dialect.decode_optional_decimal(row[1]),
                price=dialect.decode_optional_decimal(row[2]),
                trigger_price=dialect.decode_optional_decimal(row[3]),
                created_at=dialect.decode_time(row[4]),
            )
            for row in await self._database.fetch(text, values)
        ]

    async def calls(self, query: SentOrderQuery, before_id: int) -> Sequence[SentCall]:
        """Return calls of ccxt methods that trade and were not refused, with ids below one."""
        dialect, param = self._dialect, self._dialect.param
        text = (
            "SELECT id, payload_json, created_at FROM oms_commands"
            f" WHERE command_type = 'ccxt_call' AND created_at > {param} AND account_id = {param}"
            f" AND actor_api_key_id = {param} AND id < {param} AND status <> 'refused'"
            f" AND {TRADING_CALL_SQL.format('')} AND payload_json LIKE {param}"
        )
        since = dialect.encode_time(query.since)
        named = f"%{dumps(query.symbol)}%"
        values = (since, query.account_id, query.api_key_id, before_id, named)
        return [
            SentCall(id=row[0], payload=row[1], created_at=dialect.decode_time(row[2]))
            for row in await self._database.fetch(text, values)
        ]
