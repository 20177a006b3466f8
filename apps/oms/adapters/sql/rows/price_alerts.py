"""Rows of price alerts that have not fired."""

from collections.abc import Mapping

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.connection.statement_batch import StatementBatch
from oms.domain.protection.price_alerts import AlertCondition, PriceAlert, PriceSide

_COLUMNS = (
    *("id", "account_id", "symbol", "trigger_condition", "price"),
    *("note", "price_side", "user_id", "created_at"),
)
_UPSERT = BulkInsert(
    table="price_alerts", columns=_COLUMNS, key=("id",), update_columns=("price_side",)
)


def add_to(batch: StatementBatch, account_id: int, alerts: Mapping[int, PriceAlert | None]) -> None:
    """Append the statements that store alerts, and delete those that are ``None``."""
    dialect = batch.dialect
    removed = [alert_id for alert_id, alert in alerts.items() if alert is None]
    if removed:
        text = (
            f"DELETE FROM price_alerts WHERE account_id = {dialect.param}"
            f" AND id IN ({dialect.params(len(removed))})"
        )
        batch.add("price_alerts", text, [(account_id, *removed)])
    rows = [
        (
            alert.id,
            account_id,
            alert.symbol,
            alert.condition.value,
            dialect.encode_decimal(alert.price),
            alert.note,
            None if alert.side is None else alert.side.value,
            alert.user_id,
            dialect.encode_time(alert.created_at),
        )
        for alert in alerts.values()
        if alert is not None
    ]
    if rows:
        _UPSERT.add_to(batch, rows)


async def load_alerts(session: Session, account_id: int) -> dict[int, PriceAlert]:
    """Return the stored alerts of an account, by id."""
    dialect = session.dialect
    rows = await session.fetch(
        f"SELECT {', '.join(_COLUMNS)} FROM price_alerts"
        f" WHERE account_id = {dialect.param} ORDER BY id",
        (account_id,),
    )
    return {
        row[0]: PriceAlert(
            id=row[0],
            symbol=row[2],
            condition=AlertCondition(row[3]),
            price=dialect.decode_decimal(row[4]),
            note=row[5],
            side=None if row[6] is None else PriceSide(row[6]),
            user_id=row[7],
            created_at=dialect.decode_time(row[8]),
        )
        for row in rows
    }
