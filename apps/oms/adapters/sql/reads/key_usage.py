"""Orders sent with an API key."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.rows.commands import TRADING_CALL_SQL
from oms.ports.key_usage import OpeningOrder, call_order_key
from oms.wire.json import loads

_ORDER = (
    "o.symbol, o.qty, o.filled_qty, o.price, o.trigger_price, o.avg_fill_price, o.is_open,"
    " o.reduce_only"
)


class SqlKeyUsage:
    """``ports.key_usage.KeyUsage``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def opening_orders(
        self, account_id: int, api_key_id: int, since: datetime
    ) -> Sequence[OpeningOrder]:
        """Return opening orders that the key sent to the account since then."""
        param = self._dialect.param
        text = (
            f"SELECT o.command_id, {_ORDER}"
            f" FROM oms_orders o JOIN oms_commands c ON c.id = o.command_id"
            f" WHERE o.account_id = {param} AND o.updated_at >= {param} AND o.created_at >= {param}"
            f" AND o.reduce_only = 0 AND c.actor_api_key_id = {param}"
        )
        moment = self._dialect.encode_time(since)
        rows = await self._database.fetch(text, (account_id, moment, moment, api_key_id))
        of_calls = await self._orders_of_calls(account_id, api_key_id, since)
        return [self._order(row[0], row[1:]) for row in rows] + of_calls

    async def _orders_of_calls(
        self, account_id: int, api_key_id: int, since: datetime
    ) -> list[OpeningOrder]:
        """Return orders created by ccxt calls, whose rows do not name the sender."""
        param = self._dialect.param
        text = (
            "SELECT c.id, c.payload_json, c.result_json FROM oms_commands c"
            f" WHERE c.command_type = 'ccxt_call' AND c.created_at >= {param}"
            f" AND c.account_id = {param} AND c.actor_api_key_id = {param}"
            f" AND {TRADING_CALL_SQL.format('c.')} AND c.result_json IS NOT NULL"
        )
        values = (self._dialect.encode_time(since), account_id, api_key_id)
        names: dict[int, int] = {}
        for command_id, payload, result in await self._database.fetch(text, values):
            if str(loads(payload)["func"]).startswith("create_"):
                for number, order_id in enumerate(loads(result).get("order_ids", ())):
                    names.setdefault(order_id, call_order_key(command_id, number))
        rows = await self._orders(sorted(names)) if names else {}
        return [self._order(names[i], row) for i, row in rows.items() if not row[-1]]

    async def _orders(self, ids: Sequence[int]) -> Mapping[int, Sequence[Any]]:
        text = f"SELECT o.id, {_ORDER} FROM oms_orders o WHERE o.id IN"
        params = self._dialect.params(len(ids))
        rows = await self._database.fetch(f"{text} ({params})", tuple(ids))
        return {row[0]: row[1:] for row in rows}

    def _order(self, name: int, row: Sequence[Any]) -> OpeningOrder:
        price, number = self._dialect.decode_optional_decimal, self._dialect.decode_decimal
        return OpeningOrder(
            command_id=name,
            symbol=row[0],
            qty=number(row[1]),
            filled_qty=number(row[2]),
            price=price(row[5]) or price(row[3]) or price(row[4]),
            is_open=bool(row[6]),
        )
