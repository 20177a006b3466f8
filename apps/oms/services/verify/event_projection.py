"""Whether rows are what events last told of them: rows of orders, deals and positions.

Kept in memory is one number per row that the events tell of, not their content.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.services.verify.deal_rules import SYNTHETIC_PREFIXES
from oms.services.verify.findings import Finding, make_finding
from oms.wire.responses.ledger_rows import deal_row, order_row, position_row

RowKey = tuple[str, int]
"""A kind of row (``order``, ``deal``, ``position``) and its id."""

_TELLS = {
    "order_updated": "order",
    "deal_updated": "deal",
    "position_updated": "position",
}
#: What of a row is compared; comments may be cut when they are stored.
_ORDER = (
    *("account_id", "symbol", "side", "qty", "price", "filled_qty", "avg_fill_price", "state"),
    *("strategy_id", "position_id", "fee", "fee_currency", "closed_at"),
)
_POSITION = (
    *("account_id", "symbol", "strategy_id", "side", "qty", "avg_price", "state", "qty_opened"),
    *("qty_closed", "max_qty", "realized_pnl", "funding", "fees", "close_price", "closed_at"),
)
#: The facts of a deal; its place in the book may have changed since.
_DEAL = ("account_id", "symbol", "side", "price", "exchange_trade_id", "executed_at", "type")


@dataclass(slots=True)
class EventProjection:
    """What events told of rows: the last version of each, and where the row says otherwise."""

    #: Of a deal, which has no versions, 1.
    versions: dict[RowKey, int] = field(default_factory=dict)
    differing: dict[RowKey, Finding] = field(default_factory=dict)
    #: What the events of one page told last of each row, not compared yet.
    uncompared: dict[RowKey, Mapping[str, Any]] = field(default_factory=dict)

    def apply(self, item: Mapping[str, Any]) -> None:
        """Take in one event, ``{event, payload}``."""
        payload = item["payload"]
        row_id, version = payload.get("id"), payload.get("version", 1)
        if not isinstance(row_id, int) or not isinstance(version, int):
            return
        if item["event"] == "deal_deleted":
            self._forget(("deal", row_id))
        elif kind := _TELLS.get(item["event"]):
            self._forget((kind, row_id))
            self.versions[kind, row_id] = version
            self.uncompared[kind, row_id] = payload

    def parts(self, size: int) -> Iterator[tuple[str, Sequence[int]]]:
        """Kinds and ids of rows told of since the last comparison, ``size`` at once."""
        for kind in _TELLS.values():
            ids = sorted(row_id for name, row_id in self.uncompared if name == kind)
            for start in range(0, len(ids), size):
                yield kind, ids[start : start + size]

    def compare_orders(self, ids: Sequence[int], orders: Sequence[Order]) -> None:
        """Compare what was told last with the rows; a newer row was told of later."""
        rows = {order.id: (order.version, order_row(order)) for order in orders}
        self._compare_all("order", _ORDER, ids, rows)

    def compare_positions(self, ids: Sequence[int], positions: Sequence[Position]) -> None:
        """Compare what was told last with the rows; a newer row was told of later."""
        rows = {position.id: (position.version, position_row(position)) for position in positions}
        self._compare_all("position", _POSITION, ids, rows)

    def compare_deals(self, ids: Sequence[int], deals: Sequence[Deal]) -> None:
        """Compare the facts that were told with the rows."""
        rows = {deal.id: (1, _facts(deal)) for deal in deals}
        self._compare_all("deal", _DEAL, ids, rows)

    def _forget(self, name: RowKey) -> None:
        self.versions.pop(name, None)
        self.uncompared.pop(name, None)
        self.differing.pop(name, None)

    def _compare_all(
        self,
        kind: str,
        fields: Sequence[str],
        ids: Sequence[int],
        rows: Mapping[int, tuple[int, Mapping[str, Any]]],
    ) -> None:
        for row_id in ids:
            told = self.uncompared.pop((kind, row_id))
            if row_id not in rows:
                finding = make_finding(
                    f"{kind}_event", kind, row_id, "the row that was told of", None
                )
                self.differing[kind, row_id] = finding
                continue
            version, row = rows[row_id]
            if told.get("version", 1) == version:
                self._compare((kind, row_id), fields, told, row)

    def _compare(
        self, name: RowKey, fields: Sequence[str], told: Mapping[str, Any], row: Mapping[str, Any]
    ) -> None:
        kind, row_id = name
        for key in fields:
            if key in told and key in row and told[key] != row[key]:
                expected, found = f"{key} {told[key]}", f"{key} {row[key]}"
                self.differing[name] = make_finding(f"{kind}_event", kind, row_id, expected, found)
                return


def _facts(deal: Deal) -> dict[str, Any]:
    """The row; what no exchange executed is priced at an average, which may move."""
    row = deal_row(deal)
    if deal.exchange_trade_id.startswith(SYNTHETIC_PREFIXES):
        del row["price"]
    return row


@dataclass(slots=True)
class UnreportedRows:
    """Rows that are newer than what events tell, until newer events are heard."""

    projection: EventProjection
    #: The time of the oldest event kept; what is older need not be told.
    oldest_at: datetime | None
    rows: dict[RowKey, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def inspect(self, kind: str, row_id: int, version: int, at: datetime) -> None:
        """Look at a row that was written last ``at``."""
        told = self.projection.versions.get((kind, row_id), 0)
        if told > version:
            name = f"{kind}_version"
            self.findings.append(make_finding(name, kind, row_id, f"{told} or later", version))
        elif told < version and self.oldest_at is not None and at > self.oldest_at:
            self.rows[kind, row_id] = version

    def still(self) -> Iterable[Finding]:
        """What is not told even now."""
        for (kind, row_id), version in self.rows.items():
            told = self.projection.versions.get((kind, row_id), 0)
            if told < version:
                expected = f"version {version} told in an event"
                yield make_finding(f"{kind}_event", kind, row_id, expected, told or None)
