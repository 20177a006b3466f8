"""Random histories of all kinds, stored step by step, have no finding."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kit.databases.schema import create_schema
from kit.databases.sql import execute
from kit.ledger.histories import random_history
from kit.ledger.stored_history import store_history
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.sql.store import SqlStore
from oms.cli.verify import build_verify_report
from oms.config import Settings

HISTORIES = 50


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    """An empty store with three strategies."""
    dsn = f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"
    await create_schema(dsn)
    execute(
        dsn,
        "INSERT INTO strategies (id, name, created_at) VALUES"
        " (1, 'one', '2026-01-01T00:00:00.000000Z'), (2, 'two', '2026-01-01T00:00:00.000000Z')",
    )
    store = await SqlStore.open(dsn, check_account)
    yield store
    await store.close()


async def test_valid_histories_have_no_finding(store: SqlStore) -> None:
    for seed in range(HISTORIES):
        one = random_history(seed)
        await store_history(store, one)

    answer = await build_verify_report(store, Settings())
    broken = {
        row["account_id"]: row["findings"][:3] for row in answer["accounts"] if row["findings"]
    }
    assert answer["ok"] is True, broken
    assert len(answer["accounts"]) == HISTORIES
