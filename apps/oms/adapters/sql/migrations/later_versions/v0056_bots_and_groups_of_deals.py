"""Orders name the bot that decided them, and deals the bot and the group of their order."""

from alembic import op
from sqlalchemy import Column

from oms.adapters.sql.connection.column_types import BigIntId

revision = "0056"
down_revision = "0055"

FILL = (
    "UPDATE oms_orders SET bot_id ="
    " (SELECT s.bot_id FROM signals s WHERE s.id = oms_orders.signal_id)"
    " WHERE signal_id IS NOT NULL",
    "UPDATE oms_deals SET bot_id ="
    " (SELECT o.bot_id FROM oms_orders o WHERE o.id = oms_deals.order_id)"
    " WHERE signal_id IS NOT NULL",
    "UPDATE oms_deals SET group_id ="
    " (SELECT o.group_id FROM oms_orders o WHERE o.id = oms_deals.order_id)"
    " WHERE order_id IN (SELECT id FROM oms_orders WHERE group_id IS NOT NULL)",
)


def upgrade() -> None:
    """Add the columns, and fill them from signals and orders."""
    op.add_column("oms_orders", Column("bot_id", BigIntId, nullable=True))
    op.add_column("oms_deals", Column("bot_id", BigIntId, nullable=True))
    op.add_column("oms_deals", Column("group_id", BigIntId, nullable=True))
    for statement in FILL:
        op.execute(statement)
