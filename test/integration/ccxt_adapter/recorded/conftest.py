"""An office whose accounts trade at recorded exchanges, through the ccxt adapter's own readers."""

import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kit.ccxt_desk import TAG
from kit.office import AUDIT, TRADER, Office, now, open_office
from kit.recorded_venues import Recorded, RecordedVenue, instruments_of
from kit.sql import rows
from oms.adapters.ccxt import parts
from oms.adapters.ccxt.exchange import CcxtExchange
from oms.adapters.ccxt.pace import Pace
from oms.adapters.ccxt.rules import rules_of
from oms.cli.verify import verified
from oms.config import Settings
from oms.domain.reconciliation import Holding
from oms.domain.value import evolve
from oms.ports.exchange import Snapshot
from oms.ports.ledger import AccountImage

KEY = "oms_a-sweeper-of-recordings-only"
LONG = 1_000_000.0
BOOK = {
    "oms_orders": "symbol, exchange_order_id, side, order_type, qty, price, trigger_price, state,"
    " filled_qty, fill_value, fees_json, reduce_only, reason",
    "oms_deals": "symbol, exchange_trade_id, exchange_order_id, leg, side, qty, price, fee,"
    " fee_currency, pnl, entry, type, reason, liquidity, executed_at",
    "oms_positions": "symbol, side, qty, avg_price, cost_exact, exit_exact, state, qty_opened,"
    " qty_closed, profit, fees, opened_at, closed_at",
}


class WatchedExchange(CcxtExchange):
    """Keeps the snapshots it hands out."""

    shown: list[Snapshot]

    def swept(self) -> Sequence[Snapshot]:
        found = super().swept()
        self.shown = [*getattr(self, "shown", ()), *found]
        return found


@dataclass
class Reception:
    """Recorded exchanges, each with accounts of its own."""

    office: Office
    dsn: str
    venues: dict[int, RecordedVenue] = field(default_factory=dict)
    exchanges: dict[int, WatchedExchange] = field(default_factory=dict)

    def connect(self, image: AccountImage, on_news: Callable[[], None]) -> WatchedExchange:
        account = image.account
        made = WatchedExchange(
            account=account,
            make_client=lambda: self.venues[account.id],
            tag=TAG,
            on_news=on_news,
            pace=Pace(live=LONG, idle=LONG),
        )
        self.exchanges[account.id] = made
        return made

    async def add(self, recorded: Recorded, mode: str = "netting") -> int:
        """An account at the exchange, which tells nothing yet."""
        account_id = await self.office.store.registry.create_account(
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
        self.venues[account_id] = RecordedVenue(instruments_of(recorded))
        await self.office.add_key(
            f"sweeper {account_id}", f"{KEY}-{account_id}", grants={account_id: TRADER}
        )
        return account_id

    async def sweep(
        self, account_id: int, recorded: Recorded, shuffle: int | None = None
    ) -> dict[str, Any]:
        """Read all that was recorded, in the order of the file or another."""
        venue, chance = self.venues[account_id], random.Random(shuffle)
        for name in ("orders", "trades", "positions"):
            told = list(getattr(recorded, name))
            if shuffle is not None:
                chance.shuffle(told)
            setattr(venue, name, told)
        span = {"start_date": "2000-01-01T00:00:00Z", "end_date": "2100-01-01T00:00:00Z"}
        body = {"account_id": account_id, "scope": "period", **span}
        key = f"{KEY}-{account_id}"
        answer = await self.office.client("POST", "/oms/reconcile", body, key=key)
        assert answer.status == 200, answer.body
        (result,) = answer.json()["results"]
        assert result["ok"], result
        told_result: dict[str, Any] = result
        return told_result

    async def forget(self, account_id: int) -> None:
        """Have the account's exchange made anew: it remembers nothing of what it told."""
        accounts = self.office.worker.accounts
        await accounts.homes.pop(account_id).close()

    def stored(self, account_id: int, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
        """Rows of the account, in one order."""
        found = rows(self.dsn, f"SELECT {columns} FROM {table} WHERE account_id = {account_id}")
        return sorted(found, key=repr)

    def book(self, account_id: int) -> dict[str, list[tuple[Any, ...]]]:
        """What the account's book says, whatever its rows are numbered."""
        return {name: self.stored(account_id, name, columns) for name, columns in BOOK.items()}

    def every_row(self, account_id: int) -> dict[str, list[tuple[Any, ...]]]:
        """The book and the evidence to the last column."""
        names = (*BOOK, "ccxt_orders_raw", "ccxt_trades_raw")
        return {name: self.stored(account_id, name) for name in names}

    def holdings(self, account_id: int) -> dict[Holding, Any]:
        """What the exchange was seen to hold last."""
        return dict(self.exchanges[account_id].shown[-1].holdings)

    def set_aside(self, account_id: int) -> dict[tuple[str, str], int]:
        """How many rows were set aside, by what they are and why."""
        return dict(self.exchanges[account_id]._parts.evidence.set_aside)

    async def verify(self) -> dict[str, Any]:
        """What ``oms verify`` says of all books."""
        venues = self.venues
        return await verified(
            self.office.store,
            Settings(),
            instruments=lambda account: (
                venues[account.id].instruments if account.id in venues else {}
            ),
        )


@pytest.fixture
async def reception(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Reception]:
    """A recording has no pages, and its rows are of all years: lists are told whole."""
    whole: dict[str, Any] = {"span_days": 0, "back_days": 0, "by_cursor": True}
    whole |= {"newest_first": False, "offset_param": "", "closed_page": 0}
    monkeypatch.setattr(
        parts, "rules_of", lambda venue: evolve(rules_of(venue), symbol_required=False, **whole)
    )
    dsn = f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3"
    async with open_office(dsn) as office:
        made = Reception(office, dsn)
        office.worker.accounts.connect = made.connect
        office.start_worker()
        yield made
