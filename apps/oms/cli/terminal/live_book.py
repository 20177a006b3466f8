"""Open orders, open positions and the last deals, kept current by the frames of the WebSocket."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from oms.cli.terminal.command_results import FINAL

DEALS_MAX = 10


@dataclass(slots=True)
class LiveBook:
    """The books of some accounts; ``last_seq`` is where a new connection continues."""

    orders: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    positions: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    deals: deque[Mapping[str, Any]] = field(default_factory=lambda: deque(maxlen=DEALS_MAX))
    last_seq: dict[str, int] = field(default_factory=dict)
    #: The last price by account and symbol.
    prices: dict[tuple[int, str], str] = field(default_factory=dict)

    def apply(self, frame: Mapping[str, Any]) -> None:
        """Apply a frame; a full row replaces what was known of it."""
        row = frame.get("payload") or {}
        match frame.get("event"):
            case "snapshot_open_orders":
                self._replace(self.orders, row)
            case "snapshot_open_positions":
                self._replace(self.positions, row)
            case "order_updated":
                self._put(self.orders, row, is_open=row["status"] not in FINAL)
            case "position_updated":
                self._put(self.positions, row, is_open=row["closed_at"] is None)
            case "deal_updated" | "deal_deleted" as event:
                self._drop_deal(row["id"])
                if event == "deal_updated":
                    self.deals.appendleft(row)
            case "ticker_updated":
                self._set_price(row)
        if frame.get("seq") is not None:
            self.last_seq[str(frame["account_id"])] = frame["seq"]

    def position_rows(self) -> list[Mapping[str, Any]]:
        """Return the open positions with the last price and how far it has moved, in percent."""
        return [{**row, **self._movement(row)} for _, row in sorted(self.positions.items())]

    def symbols(self) -> Iterator[tuple[int, str]]:
        """Yield account and symbol of each open position."""
        for row in self.positions.values():
            yield row["account_id"], row["symbol"]

    def _replace(self, rows: dict[int, Mapping[str, Any]], payload: Mapping[str, Any]) -> None:
        account_id = payload["account_id"]
        for old in [key for key, row in rows.items() if row["account_id"] == account_id]:
            del rows[old]
        rows.update({row["id"]: row for row in payload["items"]})
        self.last_seq[str(account_id)] = payload["seq"]

    def _put(
        self, rows: dict[int, Mapping[str, Any]], row: Mapping[str, Any], *, is_open: bool
    ) -> None:
        if is_open:
            rows[row["id"]] = row
        else:
            rows.pop(row["id"], None)

    def _drop_deal(self, deal_id: int) -> None:
        for deal in [deal for deal in self.deals if deal["id"] == deal_id]:
            self.deals.remove(deal)

    def _set_price(self, payload: Mapping[str, Any]) -> None:
        last = payload["data"].get("last")
        if last is not None:
            self.prices[payload["account_id"], payload["symbol"]] = str(last)

    def _movement(self, row: Mapping[str, Any]) -> dict[str, str]:
        last = self.prices.get((row["account_id"], row["symbol"]))
        if last is None:
            return {}
        percent = (Decimal(last) / Decimal(row["avg_price"]) - 1) * 100
        return {"last": last, "move": f"{percent if row['side'] == 'buy' else -percent:+.2f} %"}
