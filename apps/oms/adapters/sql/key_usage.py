"""Orders that a key has sent: ``ports.key_usage.KeyUsage``."""

from collections.abc import Sequence
from datetime import datetime

from oms.adapters.sql.database import Database
from oms.ports.key_usage import OpeningOrder


class SqlKeyUsage:
    """Reads the orders of keys."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def opened(
        self, account_id: int, api_key_id: int, since: datetime
    ) -> Sequence[OpeningOrder]:
        """Stored orders that the key sent to the account since then."""
        dialect, mark = self._dialect, self._dialect.mark
        text = (
            "SELECT o.command_id, o.symbol, o.qty, o.filled_qty, o.price, o.trigger_price,"
            " o.avg_fill_price, o.is_open"
            f" FROM oms_orders o JOIN oms_commands c ON c.id = o.command_id"
            f" WHERE o.account_id = {mark} AND o.updated_at >= {mark} AND o.created_at >= {mark}"
            f" AND o.reduce_only = 0 AND c.actor_api_key_id = {mark}"
        )
        moment = dialect.time_in(since)
        found = await self._database.rows(text, (account_id, moment, moment, api_key_id))
        price = dialect.optional_decimal_out
        return [
            OpeningOrder(
                command_id=row[0],
                symbol=row[1],
                qty=dialect.decimal_out(row[2]),
                filled_qty=dialect.decimal_out(row[3]),
                price=price(row[6]) or price(row[4]) or price(row[5]),
                is_open=bool(row[7]),
            )
            for row in found
        ]
