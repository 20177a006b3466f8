"""Comparison of orders, deals and positions with the last event about each of them.

Memory holds one version number per row named in events, not their content.
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
"""Kind of a row (``order``, ``deal``, ``position``) and its id."""

_KINDS = {
    "order_updated": "order",
    "deal_updated": "deal",
    "position_updated": "position",
}
#: What names the cause of an order and of its executions.
_CAUSE = ("signal_id", "source_id", "bot_id", "group_id")
#: Compared fields; comments may be truncated in storage.
_ORDER = (
    *("account_id", "symbol", "side", "qty", "price", "filled_qty", "avg_fill_price", "state"),
    *("strategy_id", "position_id", "fee", "fee_currency", "closed_at", *_CAUSE),
)
_POSITION = (
    *("account_id", "symbol", "strategy_id", "side", "qty", "avg_price", "state", "qty_opened"),
    *("qty_closed", "max_qty", "realized_pnl", "funding", "fees", "close_price", "closed_at"),
)
#: Fields of the execution; the position of a deal may have changed since.
_DEAL = (
    *("account_id", "symbol", "side", "price", "exchange_trade_id", "executed_at", "type"),
    *_CAUSE,
)


@dataclass(slots=True)
class EventProjection:
    """Last reported version of each row, and the rows that differ from their event."""

    #: 1 for a deal, which has no versions.
    versions: dict[RowKey, int] = field(default_factory=dict)
    differing: dict[RowKey, Finding] = field(default_factory=dict)
    #: Last reported payload of each row of the current page, not compared yet.
    uncompared: dict[RowKey, Mapping[str, Any]] = field(default_factory=dict)

    def apply(self, item: Mapping[str, Any]) -> None:
        """Apply one event, ``{event, payload}``."""
        payload = item["payload"]
        row_id, version = payload.get("id"), payload.get("version", 1)
        if not isinstance(row_id, int) or not isinstance(version, int):
            return
        if item["event"] == "deal_deleted":
            self._forget(("deal", row_id))
        elif kind := _KINDS.get(item["event"]):
            self._forget((kind, row_id))
            self.versions[kind, row_id] = version
            self.uncompared[kind, row_id] = payload

    def batches(self, size: int) -> Iterator[tuple[str, Sequence[int]]]:
        """Yield kind and ids of rows reported since the last comparison, ``size`` at a time."""
        for kind in _KINDS.values():
            ids = sorted(row_id for name, row_id in self.uncompared if name == kind)
            for start in range(0, len(ids), size):
                yield kind, ids[start : start + size]

    def compare_orders(self, ids: Sequence[int], orders: Sequence[Order]) -> None:
        """Compare the last payloads with the rows; rows with a newer version are skipped."""
        rows = {order.id: (order.version, order_row(order)) for order in orders}
        self._compare_all("order", _ORDER, ids, rows)

    def compare_positions(self, ids: Sequence[int], positions: Sequence[Position]) -> None:
        """Compare the last payloads with the rows; rows with a newer version are skipped."""
        rows = {position.id: (position.version, position_row(position)) for position in positions}
        self._compare_all("position", _POSITION, ids, rows)

    def compare_deals(self, ids: Sequence[int], deals: Sequence[Deal]) -> None:
        """Compare the reported executions with the rows."""
        rows = {deal.id: (1, _comparable_deal_row(deal)) for deal in deals}
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
            reported = self.uncompared.pop((kind, row_id))
            if row_id not in rows:
                finding = make_finding(f"{kind}_event", kind, row_id, "the reported row", None)
                self.differing[kind, row_id] = finding
                continue
            version, row = rows[row_id]
            if reported.get("version", 1) == version:
                self._compare((kind, row_id), fields, reported, row)

    def _compare(
        self,
        name: RowKey,
        fields: Sequence[str],
        reported: Mapping[str, Any],
        row: Mapping[str, Any],
    ) -> None:
        kind, row_id = name
        for key in fields:
            if key in reported and key in row and reported[key] != row[key]:
                expected, found = f"{key} {reported[key]}", f"{key} {row[key]}"
                self.differing[name] = make_finding(f"{kind}_event", kind, row_id, expected, found)
                return


def _comparable_deal_row(deal: Deal) -> dict[str, Any]:
    """Return the row; without the price of a synthetic deal, which is an average and may change."""
    row: dict[str, Any] = {**deal_row(deal)}
    if deal.exchange_trade_id.startswith(SYNTHETIC_PREFIXES):
        del row["price"]
    return row


@dataclass(slots=True)
class UnreportedRows:
    """Rows newer than their last event, until newer events are applied."""

    projection: EventProjection
    #: Time of the oldest retained event; older rows need no event.
    oldest_at: datetime | None
    rows: dict[RowKey, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def check(self, kind: str, row_id: int, version: int, at: datetime) -> None:
        """Check a row last written at ``at``."""
        reported = self.projection.versions.get((kind, row_id), 0)
        if reported > version:
            name = f"{kind}_version"
            self.findings.append(make_finding(name, kind, row_id, f"{reported} or later", version))
        elif reported < version and self.oldest_at is not None and at > self.oldest_at:
            self.rows[kind, row_id] = version

    def remaining_findings(self) -> Iterable[Finding]:
        """Return findings for rows that are still not reported."""
        for (kind, row_id), version in self.rows.items():
            reported = self.projection.versions.get((kind, row_id), 0)
            if reported < version:
                expected = f"version {version} reported in an event"
                yield make_finding(f"{kind}_event", kind, row_id, expected, reported or None)
