"""A gateway whose accounts trade at recorded exchanges, through the ccxt adapter's own readers."""

import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kit.databases.sql import fetch_rows
from kit.exchanges.ccxt_harness import TAG
from kit.exchanges.recorded_venue import RecordedVenue, Recording, make_instruments
from kit.gateway.in_process import AUDIT, TRADER, InProcessGateway, now, open_gateway
from oms.adapters.ccxt import wiring
from oms.adapters.ccxt.ccxt_exchange import CcxtExchange
from oms.adapters.ccxt.timings import Timings
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.adapters.ccxt.wiring import build_exchange
from oms.cli.verify import build_verify_report
from oms.config import Settings
from oms.domain.reconcile.position_comparison import HoldingKey
from oms.domain.value import evolve
from oms.ports.exchange import ExchangePorts, ExchangeSnapshot
from oms.ports.ledger_store import LoadedAccount

KEY = "oms_a-reader-of-recordings-only"
LONG = 1_000_000.0
BOOK = {
    "oms_orders": "symbol, exchange_order_id, side, order_type, qty, price, trigger_price, state,"
    " filled_qty, fill_value, fees_json, reduce_only, reason",
    "oms_deals": "symbol, exchange_trade_id, exchange_order_id, leg, side, qty, price, fee,"
    " fee_currency, pnl, entry, type, reason, liquidity, executed_at",
    "oms_positions": "symbol, side, qty, avg_price, cost_exact, exit_exact, state, qty_opened,"
    " qty_closed, profit, fees, opened_at, closed_at",
}


@dataclass
class Reception:
    """Recorded exchanges, each with accounts of its own."""

    gateway: InProcessGateway
    dsn: str
    venues: dict[int, RecordedVenue] = field(default_factory=dict)
    exchanges: dict[int, CcxtExchange] = field(default_factory=dict)
    #: The snapshots that each exchange returned.
    snapshots: dict[int, list[ExchangeSnapshot]] = field(default_factory=dict)

    def connect(self, image: LoadedAccount, on_update: Callable[[], None]) -> ExchangePorts:
        account = image.account
        exchange = build_exchange(
            account=account,
            make_client=lambda: self.venues[account.id],
            installation_tag=TAG,
            on_update=on_update,
            timings=Timings(live_poll_seconds=LONG, idle_poll_seconds=LONG),
        )
        take_snapshots, taken = exchange.take_snapshots, self.snapshots.setdefault(account.id, [])

        def record_snapshots() -> Sequence[ExchangeSnapshot]:
            snapshots = take_snapshots()
            taken.extend(snapshots)
            return snapshots

        exchange.take_snapshots = record_snapshots  # type: ignore[method-assign]
        self.exchanges[account.id] = exchange
        return ExchangePorts(trading=exchange, calls=exchange)

    async def add(self, recorded: Recording, mode: str = "netting") -> int:
        """Create an account at the exchange, which returns nothing yet."""
        account_id = await self.gateway.store.registry.create_account(
            exchange_id=f"ccxt.{recorded.exchange}",
            label=f"{recorded.exchange} {len(self.venues)}",
            position_mode=mode,
            environment="loopback",
            is_testnet=False,
            extra_config="{}",
            trader_name=None,
            now=now(),
            audit=AUDIT,
        )
        self.venues[account_id] = RecordedVenue(make_instruments(recorded))
        await self.gateway.add_key(
            f"reader {account_id}", f"{KEY}-{account_id}", grants={account_id: TRADER}
        )
        return account_id

    async def take_snapshot(
        self, account_id: int, recorded: Recording, shuffle: int | None = None
    ) -> dict[str, Any]:
        """Take a snapshot of all that was recorded, in the order of the file or shuffled."""
        venue, chance = self.venues[account_id], random.Random(shuffle)
        for name in ("orders", "trades", "positions"):
            rows = list(getattr(recorded, name))
            if shuffle is not None:
                chance.shuffle(rows)
            setattr(venue, name, rows)
        span = {"start_date": "2000-01-01T00:00:00Z", "end_date": "2100-01-01T00:00:00Z"}
        body = {"account_id": account_id, "scope": "period", **span}
        key = f"{KEY}-{account_id}"
        answer = await self.gateway.client("POST", "/oms/reconcile", body, key=key)
        assert answer.status == 200, answer.body
        (result,) = answer.json()["results"]
        assert result["ok"], result
        row: dict[str, Any] = result
        return row

    async def forget(self, account_id: int) -> None:
        """Rebuild the account's exchange without what it reported before."""
        accounts = self.gateway.worker.processor
        await accounts.states.pop(account_id).close()

    def stored(self, account_id: int, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
        """Rows of the account, in a fixed order."""
        found = fetch_rows(
            self.dsn, f"SELECT {columns} FROM {table} WHERE account_id = {account_id}"
        )
        return sorted(found, key=repr)

    def book(self, account_id: int) -> dict[str, list[tuple[Any, ...]]]:
        """The account's ledger, without row numbers."""
        return {name: self.stored(account_id, name, columns) for name, columns in BOOK.items()}

    def every_row(self, account_id: int) -> dict[str, list[tuple[Any, ...]]]:
        """The ledger and the raw rows with every column."""
        names = (*BOOK, "ccxt_orders_raw", "ccxt_trades_raw")
        return {name: self.stored(account_id, name) for name in names}

    def holdings(self, account_id: int) -> dict[HoldingKey, Any]:
        """The holdings of the last snapshot."""
        return dict(self.snapshots[account_id][-1].holdings)

    def quarantined_counts(self, account_id: int) -> dict[tuple[str, str], int]:
        """The number of quarantined rows, by kind and reason."""
        return dict(self.exchanges[account_id]._components.raw_rows.quarantined_counts)

    async def verify(self) -> dict[str, Any]:
        """The report of ``oms verify`` on all ledgers."""
        return await build_verify_report(self.gateway.store, Settings())


@pytest.fixture
async def reception(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Reception]:
    """A recording has no pages, and its rows are of all years: lists are returned whole."""
    whole: dict[str, Any] = {"window_days_max": 0, "window_days": {}, "history_days_max": 0}
    whole |= {"uses_cursor": True}
    whole |= {"newest_first": False, "offset_param": "", "closed_page": 0}
    monkeypatch.setattr(
        wiring,
        "get_profile",
        lambda venue: evolve(get_profile(venue), symbol_required=False, **whole),
    )
    dsn = f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3"
    async with open_gateway(dsn) as gateway:
        made = Reception(gateway, dsn)
        gateway.worker.processor.connect = made.connect
        gateway.start_worker()
        yield made
