"""What stays of archived rows, written by the transaction that deletes them.

- ``archived_rows``: their ids, and hashes of the names under which callers and exchanges know them
  (request id, exchange order id, trade id), so that no request or execution is taken for a new one;
- ``archived_positions``: the results of closed positions, for statistics;
- ``archived_fees``: sums of the fees of their deals.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, select, update

from oms.adapters.sql.archive.archive_file import Group, Row
from oms.adapters.sql.archive.table_reads import read_by
from oms.adapters.sql.rows.text_codec import decode_rate
from oms.adapters.sql.tables import METADATA
from oms.domain.ledger.deal import DealEntry
from oms.domain.ledger.fee_valuation import value_at
from oms.domain.money import ZERO, add, subtract

NAMES, RESULTS, FEES = (
    METADATA.tables[name] for name in ("archived_rows", "archived_positions", "archived_fees")
)
#: Kinds of ``archived_rows`` by table.
KINDS: Mapping[str, str] = {
    "oms_commands": "command",
    "oms_orders": "order",
    "oms_deals": "deal",
}
FeeKey = tuple[int, str, str, str]
"""Account, symbol, currency and type of the deal."""


def name_hash(*parts: str) -> str:
    """Return the hash of a name; of orders and executions with their symbol before it."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def write_index(connection: Connection, archive_id: int, group: Group) -> None:
    """Store what stays of the rows of a group."""
    rows = index_rows(archive_id, group)
    if rows:
        connection.execute(insert(NAMES), rows)
    results = result_rows(archive_id, group)
    if results:
        connection.execute(insert(RESULTS), results)
    for key, fee in fee_sums(group).items():
        _add_fee(connection, key, fee, add)


def remove_index(connection: Connection, group: Group) -> None:
    """Undo ``write_index``, when the rows are put back."""
    for kind, ids in _ids_by_kind(group).items():
        where = and_(NAMES.c.kind == kind, NAMES.c.row_id.in_(ids))
        connection.execute(delete(NAMES).where(where))
    positions = [row["id"] for table, row in group if table.name == "oms_positions"]
    if positions:
        connection.execute(delete(RESULTS).where(RESULTS.c.id.in_(positions)))
    for key, fee in fee_sums(group).items():
        _add_fee(connection, key, fee, subtract)


def count_indexed(connection: Connection, archive_id: int, group: Group) -> tuple[int, int]:
    """Return how many rows of a group have an entry of this archive, and how many should."""
    found = 0
    for kind, ids in _ids_by_kind(group).items():
        query = select(NAMES.c.row_id).where(
            NAMES.c.kind == kind, NAMES.c.row_id.in_(ids), NAMES.c.archive_id == archive_id
        )
        found += len(connection.execute(query).all())
    positions = {row["id"] for table, row in group if table.name == "oms_positions"}
    kept = read_by(connection, RESULTS, "id", positions)
    found += sum(row["archive_id"] == archive_id for row in kept)
    return found, len(index_rows(archive_id, group)) + len(positions)


def index_rows(archive_id: int, group: Group) -> list[dict[str, Any]]:
    """Return the rows of ``archived_rows``."""
    return [
        {
            "kind": KINDS[table.name],
            "row_id": row["id"],
            "account_id": row["account_id"],
            "archive_id": archive_id,
            "name_hash": _name_of(table.name, row),
        }
        for table, row in group
        if table.name in KINDS
    ]


def result_rows(archive_id: int, group: Group) -> list[dict[str, Any]]:
    """Return the rows of ``archived_positions``."""
    deals: dict[int, list[Row]] = defaultdict(list)
    for table, row in group:
        if table.name == "oms_deals":
            deals[row["position_id"]].append(row)
    names = (
        *("id", "account_id", "symbol", "strategy_id", "profit", "funding", "realized_pnl"),
        *("close_reason", "closed_at"),
    )
    return [
        {
            **{name: row[name] for name in names},
            "archive_id": archive_id,
            "source_id": _source(deals[row["id"]]),
            "other_fees": _other_fees(deals[row["id"]]),
        }
        for table, row in group
        if table.name == "oms_positions"
    ]


def fee_sums(group: Group) -> Mapping[FeeKey, Decimal]:
    """Return the fees of deals in positions."""
    sums: dict[FeeKey, Decimal] = {}
    for key, fee in _fees(group):
        sums[key] = add(sums.get(key, ZERO), fee)
    return sums


def _fees(group: Group) -> Iterator[tuple[FeeKey, Decimal]]:
    for table, row in group:
        if table.name == "oms_deals" and row["fee"] is not None:
            currency = row["fee_currency"] or ""
            yield (row["account_id"], row["symbol"], currency, row["type"]), row["fee"]


def _add_fee(
    connection: Connection,
    key: FeeKey,
    fee: Decimal,
    combine: Callable[[Decimal, Decimal], Decimal],
) -> None:
    account_id, symbol, currency, kind = key
    where = and_(
        FEES.c.account_id == account_id,
        FEES.c.symbol == symbol,
        FEES.c.fee_currency == currency,
        FEES.c.type == kind,
    )
    before = connection.execute(select(FEES.c.fee).where(where).with_for_update()).scalar()
    if before is not None:
        connection.execute(update(FEES).where(where).values(fee=combine(before, fee)))
        return
    names = {"account_id": account_id, "symbol": symbol, "fee_currency": currency, "type": kind}
    connection.execute(insert(FEES).values(**names, fee=combine(ZERO, fee)))


def _name_of(table: str, row: Row) -> str | None:
    if table == "oms_commands":
        return None if row["request_id"] is None else name_hash(row["request_id"])
    name = row["exchange_order_id" if table == "oms_orders" else "exchange_trade_id"]
    return None if name is None else name_hash(row["symbol"], name)


def _source(deals: list[Row]) -> int:
    """Return the source of signals whose execution opened the position, 0 without one."""
    entries = [row for row in deals if row["entry"] == DealEntry.IN.value]
    first = min(entries, key=lambda row: (row["executed_at"], row["id"]), default=None)
    return 0 if first is None else int(first["source_id"] or 0)


def _other_fees(deals: list[Row]) -> Decimal:
    worth = ZERO
    for row in deals:
        if row["fee"] is not None and row["fee_rate_json"] is not None:
            worth = add(worth, value_at(row["fee"], decode_rate(row["fee_rate_json"])))
    return worth


def _ids_by_kind(group: Group) -> Mapping[str, list[int]]:
    ids: dict[str, list[int]] = defaultdict(list)
    for table, row in group:
        if table.name in KINDS:
            ids[KINDS[table.name]].append(row["id"])
    return ids
