"""Orders that belong together: parents, children, and groups. Each link has an index."""

from collections.abc import Sequence
from typing import Any

from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.rows import orders


def linked_orders_query(
    dialect: Dialect, order_ids: Sequence[int], limit: int
) -> tuple[str, tuple[Any, ...]]:
    """Return the SELECT of the orders that are linked to these, ascending, and its values."""
    those = dialect.params(len(order_ids))
    kinds = (
        f"SELECT parent_order_id FROM oms_orders WHERE id IN ({those})"
        f" AND parent_order_id IS NOT NULL LIMIT {dialect.param}",
        f"SELECT id FROM {dialect.with_index('oms_orders', 'ix_oms_orders_parent_order_id')}"
        f" WHERE parent_order_id IN ({those}) LIMIT {dialect.param}",
        "SELECT o.id FROM oms_orders s CROSS JOIN"
        f" {dialect.with_index('oms_orders', 'ix_oms_orders_group_id', 'o')}"
        f" WHERE s.id IN ({those}) AND o.group_id = s.group_id LIMIT {dialect.param}",
    )
    linked = " UNION ".join(
        f"SELECT * FROM ({text}) AS k{number}" for number, text in enumerate(kinds)
    )
    text = (
        f"SELECT {orders.SELECTED} FROM oms_orders"
        f" WHERE id IN (SELECT * FROM ({linked}) AS linked) ORDER BY id"
    )
    return text, (*order_ids, limit) * len(kinds)
