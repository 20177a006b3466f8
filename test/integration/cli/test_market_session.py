"""``oms market session`` shows overridden days, and needs no database to show the calendar."""

import asyncio
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from kit.databases.schema import create_schema
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.sql.store import SqlStore
from oms.cli.main import main
from oms.domain.market_hours import Session
from oms.domain.session_override import SessionOverride
from oms.ports.audit_log import AuditContext

AT = datetime(2025, 7, 15, 15, tzinfo=UTC)
LINE = ["market", "session", "AAPL", "--at", AT.isoformat(), "--json"]


async def _close_that_day(dsn: str) -> None:
    await create_schema(dsn)
    store = await SqlStore.open(dsn, check_account)
    override = SessionOverride(
        session=Session.US_EQUITY, day=date(2025, 7, 15), comment="a storm", set_by="x", set_at=AT
    )
    try:
        await store.session_overrides.set(override, AuditContext(actor="x", at=AT), replaces=False)
    finally:
        await store.close()


def _shown(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    main(LINE)
    row: dict[str, Any] = json.loads(capsys.readouterr().out)
    return row


def test_overrides_of_the_database_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    dsn = f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"
    monkeypatch.setenv("OMS_DATABASE_URL", dsn)
    before = _shown(capsys)
    asyncio.run(_close_that_day(dsn))

    after = _shown(capsys)

    assert (before["open"], before["next_open"]) == (True, "2025-07-16T13:30:00.000000Z")
    assert (after["open"], after["next_open"]) == (False, "2025-07-16T13:30:00.000000Z")
