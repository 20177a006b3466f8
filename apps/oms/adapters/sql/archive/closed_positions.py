"""Closed positions with all that belongs to them: their deals and orders, and what joins others.

Positions are archived together if an order has deals in both, or if one names the other. Such a
set is archived as a whole or not at all, so positions and orders that remain have all their deals.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from oms.adapters.sql.archive.archive_file import Row
from oms.adapters.sql.archive.table_reads import DEALS, ORDERS, POSITIONS, read_by
from oms.domain.ledger.deal import DealEntry, DealType
from oms.domain.ledger.dust import DUST_PREFIX
from oms.domain.ledger.position import PositionState
from oms.domain.orders.execution_report import ReportSource

#: Longer chains of reversals are not followed: they stay in the database.
ROUNDS_MAX = 200
_ARCHIVED_TYPES = (DealType.TRADE.value, DealType.FUNDING.value, DealType.COMMISSION.value)

Node = tuple[str, int]
"""A position or an order by its id."""


@dataclass(slots=True)
class Connected:
    """Positions, their deals, and the orders of these, by id."""

    positions: dict[int, Row] = field(default_factory=dict)
    deals: dict[int, Row] = field(default_factory=dict)
    orders: dict[int, Row] = field(default_factory=dict)
    #: Positions that were not followed any further.
    open_ends: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Kept:
    """Rows that open orders of the account name."""

    orders: set[int] = field(default_factory=set)
    groups: set[int] = field(default_factory=set)
    positions: set[int] = field(default_factory=set)


def load_connected(connection: Connection, seeds: Iterable[Row]) -> Connected:
    """Return the seeds, which are positions, and everything that is connected with them."""
    found = Connected(positions={row["id"]: row for row in seeds})
    new = set(found.positions)
    for _ in range(ROUNDS_MAX):
        deals = read_by(connection, DEALS, "position_id", new)
        order_ids = {row["order_id"] for row in deals if row["order_id"] is not None}
        order_ids -= found.orders.keys()
        deals += read_by(connection, DEALS, "order_id", order_ids)
        found.deals |= {row["id"]: row for row in deals}
        found.orders |= {row["id"]: row for row in read_by(connection, ORDERS, "id", order_ids)}
        names = {name for row in deals for name in _positions_of_deal(row)}
        names |= {name for key in new for name in _links(found.positions[key])}
        names -= found.positions.keys() | {0}
        rows = read_by(connection, POSITIONS, "id", names)
        new = {row["id"] for row in rows}
        found.positions |= {row["id"]: row for row in rows}
        if not new:
            break
    found.open_ends = new
    return found


def closed_sets(found: Connected, before: datetime, kept: Kept) -> Iterator["Connected"]:
    """Yield the connected sets in which everything is closed and older than ``before``."""
    for nodes in _components(found):
        ids = {kind: {name for each, name in nodes if each == kind} for kind in ("p", "o")}
        part = Connected(
            positions={name: found.positions[name] for name in sorted(ids["p"])},
            orders={name: found.orders[name] for name in sorted(ids["o"])},
            deals={
                name: row
                for name, row in sorted(found.deals.items())
                if row["position_id"] in ids["p"] or row["order_id"] in ids["o"]
            },
        )
        is_whole = not ids["p"] & found.open_ends
        if part.positions and is_whole and _is_archivable(part, before, kept):
            yield part


def _is_archivable(part: Connected, before: datetime, kept: Kept) -> bool:
    return (
        all(is_old_position(row, before) for row in part.positions.values())
        and all(is_old_order(row, before, kept) for row in part.orders.values())
        and all(_is_plain_deal(row, before) for row in part.deals.values())
        and not part.positions.keys() & kept.positions
        and all(
            row["order_id"] is None or row["order_id"] in part.orders for row in part.deals.values()
        )
    )


def is_old_position(row: Row, before: datetime) -> bool:
    """Return whether a position was closed before ``before`` and not changed since."""
    closed_at = row["closed_at"]
    is_closed = row["state"] == PositionState.CLOSED.value and closed_at is not None
    return is_closed and max(closed_at, row["updated_at"], row["created_at"]) < before


def is_old_order(row: Row, before: datetime, kept: Kept) -> bool:
    """Return whether an order ended before ``before`` and no open order names it."""
    is_named = row["id"] in kept.orders or row["group_id"] in kept.groups
    return not row["is_open"] and not is_named and row["updated_at"] < before


def _is_plain_deal(row: Row, before: datetime) -> bool:
    """Return whether a deal is no correction, no close-by, and of its position alone.

    Written-off dust stays, too: it explains balances of the exchange.
    """
    is_plain = row["type"] in _ARCHIVED_TYPES and row["entry"] != DealEntry.OUT_BY.value
    is_reported = row["origin"] != ReportSource.OPERATOR.value and not row["provisional"]
    is_dust = (row["exchange_trade_id"] or "").startswith(DUST_PREFIX)
    is_old = max(row["created_at"], row["executed_at"]) < before
    return bool(is_plain and is_reported and is_old and row["position_id"] and not is_dust)


def _positions_of_deal(row: Row) -> Collection[int]:
    return {row["position_id"], row["previous_position_id"] or 0}


def _links(position: Row) -> Sequence[int]:
    names = ("identifier", "previous_position_id", "merged_into")
    return [position[name] for name in names if position[name]]


def _components(found: Connected) -> list[list[Node]]:
    """Return the nodes of each connected set."""
    parents: dict[Node, Node] = {("p", name): ("p", name) for name in found.positions}
    parents |= {("o", name): ("o", name) for name in found.orders}

    def root(node: Node) -> Node:
        while parents[node] != node:
            parents[node] = node = parents[parents[node]]
        return node

    def join(nodes: Iterable[Node]) -> None:
        known = [node for node in nodes if node in parents]
        for node in known[1:]:
            parents[root(node)] = root(known[0])

    for deal in found.deals.values():
        join([("o", deal["order_id"]), *(("p", name) for name in _positions_of_deal(deal))])
    for name, row in found.positions.items():
        join([("p", name), *(("p", other) for other in _links(row))])
    sets: Mapping[Any, list[Node]] = defaultdict(list)
    for node in parents:
        sets[root(node)].append(node)
    return list(sets.values())
