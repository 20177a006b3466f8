"""What is asked all the time reads a handful of rows, however long the history behind it is."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest

from kit.mariadb import PrivateMariaDB
from kit.sql import change, rows
from kit.stores import NOON, a_command, a_lease, an_account, an_order, enqueued
from oms.adapters.sql.migrate import upgrade
from oms.adapters.sql.session import WireSession
from oms.adapters.sql.store import SqlStore
from oms.domain.order import OrderState
from oms.ports.history import Window
from oms.ports.ledger import AccountBatch

HISTORY_ROWS = 100_000
ACCOUNTS = 50
#: About ten rows an account.
ROWS_READ_MAX = 500
MEDIAN_SECONDS_MAX = 0.02
ROUNDS = 9

_DONE_COMMANDS = f"""
INSERT INTO oms_commands (id, account_id, command_type, fingerprint, payload_json, status,
    created_at, updated_at)
SELECT 1000000 + seq, 1000 + seq % {ACCOUNTS}, 'send_order', '', '{{}}', 'done',
    NOW(6) - INTERVAL seq SECOND, NOW(6) FROM seq_1_to_{HISTORY_ROWS}"""
_CLOSED_ORDERS = f"""
INSERT INTO oms_orders (id, account_id, symbol, side, order_type, status, state, is_open, qty,
    fees_json, created_at, updated_at)
SELECT 1000000 + seq, 1000 + seq % {ACCOUNTS}, 'BTC/USDT', 'buy', 'market', 'FILLED', 'FILLED', 0,
    1, '{{}}', NOW(6), NOW(6) - INTERVAL seq SECOND FROM seq_1_to_{HISTORY_ROWS}"""
_EVENTS = f"""
INSERT INTO event_outbox (id, account_id, seq, seq_to, namespace, event_type, payload_json,
    created_at)
SELECT 1000000 + seq, 1000 + seq % {ACCOUNTS}, seq DIV {ACCOUNTS} + 1, seq DIV {ACCOUNTS} + 1,
    'position', 'order_updated', '{{}}', NOW(6) FROM seq_1_to_{HISTORY_ROWS}"""
_CLOSED_POSITIONS = f"""
INSERT INTO oms_positions (id, account_id, symbol, side, qty, avg_price, cost_exact, exit_exact,
    state, identifier, qty_opened, qty_closed, max_qty, profit, realized_pnl, fees, funding,
    version, opened_at, created_at, updated_at)
SELECT 1000000 + seq, 1000 + seq % {ACCOUNTS}, 'BTC/USDT', 'buy', 0, 1, '0/1', '0/1', 'closed',
    seq, 1, 1, 1, 0, 0, '{{}}', 0, 1, NOW(6), NOW(6), NOW(6) FROM seq_1_to_{HISTORY_ROWS}"""


@pytest.fixture(scope="module")
def url(mariadb: PrivateMariaDB) -> Iterator[str]:
    """A database with a long history."""
    name = f"plans_{uuid.uuid4().hex[:12]}"
    mariadb.create_database(name)
    dsn = mariadb.dsn(name, "asyncmy")
    asyncio.run(upgrade(dsn))
    tables = "oms_commands, oms_orders, oms_positions, event_outbox"
    change(dsn, _DONE_COMMANDS, _CLOSED_ORDERS, _CLOSED_POSITIONS, _EVENTS)
    rows(dsn, f"ANALYZE TABLE {tables}")
    yield dsn
    mariadb.drop_database(name)


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    """A store on it."""
    opened = await SqlStore.open(url)
    yield opened
    await opened.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Sequence[Any]]]:
    """Every SELECT that the store sends, with its values."""
    seen: list[tuple[str, Sequence[Any]]] = []
    honest = WireSession.fetch

    async def noted(self: WireSession, text: str, values: Sequence[Any] = ()) -> Sequence[Any]:
        seen.append((text, tuple(values)))
        return await honest(self, text, values)

    monkeypatch.setattr(WireSession, "fetch", noted)
    return seen


async def test_what_is_asked_all_the_time_never_walks_through_history(
    store: SqlStore, asked: list[tuple[str, Sequence[Any]]]
) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    await enqueued(store, [a_command(number, account_id) for number in range(1, 4)])
    open_order = an_order(1, account_id, state=OrderState.SUBMITTED)
    batch = AccountBatch(lease=lease, head_before=0, head_after=0, orders_new=(open_order,))
    assert not await store.ledger.commit([batch])
    accounts = [account_id, *range(1000, 1000 + ACCOUNTS)]
    heads = dict.fromkeys(accounts, HISTORY_ROWS // ACCOUNTS - 1)
    window = Window(account_ids=accounts)
    deep = Window(account_ids=accounts, after_id=1_000_000 + HISTORY_ROWS // 2, page_size=100)

    questions = {
        "take": lambda: store.queue.take(accounts, 100),
        "depths": store.queue.depths,
        "find": lambda: store.queue.find([1, 2, 3]),
        "busy": lambda: store.ledger.busy(accounts),
        "load": lambda: store.ledger.load(lease),
        "open orders": lambda: store.history.open_orders(window, 500),
        "open positions": lambda: store.history.open_positions(window, 500),
        "snapshot": lambda: store.history.snapshot(account_id, 500),
        "events": lambda: store.history.events(heads, 100),
        "heads": lambda: store.history.heads(accounts),
        "oldest": lambda: store.history.oldest(accounts),
        "a deep page": lambda: store.history.orders(deep),
        "client ids": lambda: store.ledger.orders_by_client_id([(account_id, "C1")]),
        "deals": lambda: store.ledger.deals_of(account_id, "BTC/USDT", ["T1"]),
        "trim": lambda: store.ledger.trim(NOON.replace(year=2000), 100),
    }
    slow: dict[str, object] = {}
    for name, ask in questions.items():
        asked.clear()
        read = await _rows_read(store, ask)
        seconds = await _median_seconds(ask)
        plans = [await _plan(store, text, values) for text, values in asked[:6]]
        scans = [step for plan in plans for step in plan if step[0] == "ALL" and step[1] > 100]
        if scans or read > ROWS_READ_MAX or seconds > MEDIAN_SECONDS_MAX:
            slow[name] = (read, seconds, scans)
    assert slow == {}


async def _median_seconds(ask: Any) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await ask()
        times.append(time.perf_counter() - began)
    return sorted(times)[ROUNDS // 2]


async def _rows_read(store: SqlStore, ask: Any) -> int:
    """How many rows the server's tables handed out for one question."""
    before = await _handler_reads(store)
    await ask()
    # The counting itself reads a few hundred rows of a table of counters, always as many.
    idle = await _handler_reads(store)
    again = await _handler_reads(store)
    return (idle - before) - (again - idle)


async def _handler_reads(store: SqlStore) -> int:
    found = await store._database.rows(
        "SELECT SUM(VARIABLE_VALUE) FROM information_schema.GLOBAL_STATUS"
        " WHERE VARIABLE_NAME IN ('HANDLER_READ_NEXT', 'HANDLER_READ_KEY', 'HANDLER_READ_RND_NEXT',"
        " 'HANDLER_READ_FIRST', 'HANDLER_READ_PREV', 'HANDLER_READ_RND')"
    )
    return int(found[0][0])


async def _plan(store: SqlStore, text: str, values: Sequence[Any]) -> list[tuple[str, int]]:
    """(access type, rows expected) of each step."""
    plan = await store._database.rows(f"EXPLAIN {text}", values)
    return [(str(step[3]), int(step[8] or 0)) for step in plan]
