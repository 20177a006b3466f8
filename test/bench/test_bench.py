"""Tests of the bench: its checks find every violation, its statistics are correct.

No load is generated; the tables contain a few rows, on both databases.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bench import calls, compare, cpu_usage, latency, load, report, ws_client
from bench.backtests.engines import differences_of
from bench.checks import Database, GatewayChecks, mariadb_database, sqlite_database
from bench.processes import BenchError
from bench.rounds import Run, Workload
from kit.databases.mariadb import PrivateMariaDB

TABLES = (
    "CREATE TABLE oms_commands (id BIGINT, account_id BIGINT, command_type VARCHAR(32),"
    " status VARCHAR(32), created_at VARCHAR(32))",
    "CREATE TABLE oms_orders (id BIGINT, command_id BIGINT, is_open INT)",
    "CREATE TABLE oms_deals (id BIGINT, order_id BIGINT, position_id BIGINT, side VARCHAR(8),"
    " qty {decimal}, type VARCHAR(16))",
    "CREATE TABLE oms_positions (id BIGINT, side VARCHAR(8), qty {decimal})",
    "CREATE TABLE event_outbox (account_id BIGINT, seq BIGINT, seq_to BIGINT)",
    "CREATE TABLE account_streams (account_id BIGINT, head_seq BIGINT)",
)
# Account 1 buys 0.003 twice and sells 0.001: three commands, one position of 0.005.
ROWS = (
    "INSERT INTO oms_commands VALUES (1, 1, 'send_order', 'done', '10:00:00.000001'),"
    " (2, 1, 'send_order', 'done', '10:00:00.000001'),"
    " (3, 1, 'send_order', 'done', '10:00:00.000002')",
    "INSERT INTO oms_orders VALUES (11, 1, 0), (12, 2, 0), (13, 3, 0)",
    "INSERT INTO oms_deals VALUES (21, 11, 31, 'buy', '0.003', 'trade'),"
    " (22, 12, 31, 'buy', '0.003', 'trade'), (23, 13, 31, 'sell', '0.001', 'trade')",
    "INSERT INTO oms_positions VALUES (31, 'buy', '0.005')",
    "INSERT INTO event_outbox VALUES (1, 1, 6), (1, 7, 12), (1, 13, 13)",
    "INSERT INTO account_streams VALUES (1, 13), (2, 0)",
)
VIOLATIONS = {
    "1 commands never finished": "UPDATE oms_commands SET status = 'running' WHERE id = 2",
    "3 commands, but 2 done": "UPDATE oms_commands SET status = 'failed' WHERE id = 2",
    "3 commands done, but 2 have an order": "DELETE FROM oms_orders WHERE id = 12",
    "1 orders are duplicates": "INSERT INTO oms_orders VALUES (14, 3, 0)",
    "1 market orders still open": "UPDATE oms_orders SET is_open = 1 WHERE id = 11",
    "1 positions differ from the sum of their deals": "DELETE FROM oms_deals WHERE id = 23",
    "1 gaps or overlaps in event numbers": "UPDATE event_outbox SET seq_to = 11 WHERE seq = 7",
    "1 streams whose head is not their last event": "UPDATE account_streams SET head_seq = 14"
    " WHERE account_id = 1",
    "1 commands overtaken by a later one of their account": "UPDATE oms_deals SET order_id ="
    " CASE id WHEN 21 THEN 12 WHEN 22 THEN 11 ELSE order_id END",
}

Execute = Callable[[str], None]


@pytest.fixture(params=["sqlite", "mariadb"])
def ledger_checks(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[GatewayChecks, Execute]]:
    """Yields checks on a consistent database, and a function that executes SQL."""
    if request.param == "sqlite":
        path = str(tmp_path / "books.sqlite")
        connection = sqlite3.connect(path, isolation_level=None)
        yield from _filled(connection, sqlite_database(path), "TEXT")
        return
    server: PrivateMariaDB = request.getfixturevalue("mariadb")
    name = "bench_books"
    server.drop_database(name)
    server.create_database(name)
    database = mariadb_database("127.0.0.1", server.port, name)
    yield from _filled(server.connect(name), database, "DECIMAL(36,18)")


def _filled(
    connection: "sqlite3.Connection", database: Database, decimal: str
) -> Iterator[tuple[GatewayChecks, Execute]]:
    def execute(statement: str) -> None:
        with closing(connection.cursor()) as cursor:
            cursor.execute(statement)

    with closing(connection):
        for statement in (*TABLES, *ROWS):
            execute(statement.replace("{decimal}", decimal))
        yield GatewayChecks(database), execute


def test_a_consistent_database_has_no_findings(
    ledger_checks: tuple[GatewayChecks, Execute],
) -> None:
    gateway, _ = ledger_checks
    assert gateway.findings() == []
    assert (gateway.command_counts().commands, gateway.command_counts().done) == (3, 3)


@pytest.mark.parametrize("finding", VIOLATIONS)
def test_each_violation_is_found(
    ledger_checks: tuple[GatewayChecks, Execute], finding: str
) -> None:
    gateway, execute = ledger_checks
    execute(VIOLATIONS[finding])
    assert finding in gateway.findings()


def test_the_output_of_wrk_is_parsed() -> None:
    printed = (
        'Running 4s test\nbench {"requests":8000,"duration_us":4000000,"connect":1,"read":2,'
        '"write":0,"status":3,"timeout":0,"p50_us":1500,"p99_us":9250}\n'
    )
    outcome = load.parse(printed)
    assert (outcome.requests, outcome.seconds, outcome.errors) == (8_000, 4.0, 6)
    assert (outcome.p50_ms, outcome.p99_ms) == (1.5, 9.25)


def test_output_of_wrk_without_a_result_is_an_error() -> None:
    with pytest.raises(BenchError, match="unable to connect"):
        load.parse("unable to connect to 127.0.0.1")


def test_percentiles_are_nearest_rank() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert latency.percentile(values, 0.5) == 50.0
    assert latency.percentile(values, 0.99) == 99.0


def test_a_ratio_is_the_median_of_the_ratios_of_rounds() -> None:
    rounds = [
        {"fast": _run("fast", fast), "naive": _run("naive", slow)}
        for fast, slow in ((100.0, 10.0), (400.0, 20.0), (900.0, 300.0))
    ]
    workload = Workload(name="w", rounds=rounds, discarded=0, disturbed=False)
    assert report.ratio(workload, "fast", "naive", lambda run: run.rate) == 10.0


def _run(system: str, rate: float) -> Run:
    return Run(
        system=system,
        commands=1,
        rate=rate,
        p50_ms=1.0,
        p99_ms=1.0,
        cpu_us={},
        machine_us=1.0,
        foreign_share=0.0,
        findings=[],
    )


def test_two_trees_are_compared_within_each_round() -> None:
    """A machine that slows down between rounds changes no ratio."""
    this, other = compare.TREES
    rounds = [
        {this: _run(this, 110.0), other: _run(other, 100.0)},
        {other: _run(other, 50.0), this: _run(this, 55.0)},
        {this: _run(this, 27.0), other: _run(other, 30.0)},
    ]
    assert compare.paired_ratio(rounds, lambda run: run.rate) == pytest.approx((1.1, 0.9, 1.1))


def test_foreign_load_is_neither_own_nor_idle() -> None:
    ticks = cpu_usage.TICKS_PER_SECOND * cpu_usage.CORES
    before = cpu_usage.Reading(at=0.0, busy=0, stolen=0, own=0, roles={"api": 0})
    after = cpu_usage.Reading(
        at=1.0, busy=ticks, stolen=0, own=ticks * 3 // 4, roles={"api": ticks // 2}
    )
    usage = cpu_usage.between(before, after)
    assert usage.foreign_share == pytest.approx(0.25)
    assert usage.roles_us["api"] == pytest.approx(cpu_usage.CORES * 500_000)


async def test_a_client_parses_frames_in_any_chunking() -> None:
    """Short, long and very long frames, byte by byte; only ledger events are counted."""
    target = load.Target(base_url="http://h:1", api_key="k", accounts=[1], symbol="S", qty="1")
    event = b'{"type":"ws_event","namespace":"position","event":"x","payload":"%s","ts":"%s"}'
    ts = b"2026-11-21T10:00:00.000000+00:00"
    contents = [event % (b"p" * size, ts) for size in (0, 200, 70_000)]
    frames = [b"HTTP/1.1 101 Switching Protocols\r\n\r\n", _frame(b'{"event":"subscribed"}')]
    frames += [_frame(content) for content in contents]
    client = ws_client.WsClient(target)
    client.connection_made(_NullTransport())
    for byte in b"".join(frames):
        client.data_received(bytes([byte]))
    assert client.stats.is_subscribed.is_set()
    assert client.stats.count == len(client.stats.delays) == 3


def test_calls_are_counted_in_each_thread_that_starts() -> None:
    counter = calls.CallCounter()
    with counter.installed():
        _count_me()
        before = counter.calls()
        thread = threading.Thread(target=lambda: [_count_me() for _ in range(3)])
        thread.start()
        thread.join()
        _count_me()
        after = counter.calls()
    after.subtract(before)
    assert [n for name, n in after.items() if name.endswith("_count_me")] == [4]


def _count_me() -> None:
    """A call to count."""


class _NullTransport(asyncio.Transport):
    """A transport that drops everything."""

    def write(self, data: object) -> None:
        """Drops the data."""


def _frame(content: bytes) -> bytes:
    size = len(content)
    if size < 126:
        return bytes([129, size]) + content
    if size < 65_536:
        return bytes([129, 126]) + size.to_bytes(2, "big") + content
    return bytes([129, 127]) + size.to_bytes(8, "big") + content


def _execution(qty: str = "1", at: str = "2024-01-01T00:00:00Z", reason: str = "signal") -> Any:
    return {"timestamp": at, "side": "buy", "price": "100", "quantity": qty, "reason": reason}


@pytest.mark.parametrize(
    ("ours", "count"),
    [
        ([_execution()], 0),
        ([_execution(), _execution(reason="end_of_data")], 0),
        ([_execution("1.00000001")], 0),
        ([_execution("1.000001")], 1),
        ([_execution(at="2024-01-01T00:01:00Z")], 1),
        ([_execution(), _execution()], 1),
        ([], 1),
    ],
)
def test_executions_of_two_engines_are_compared(ours: list[Any], count: int) -> None:
    theirs = [{"at": "2024-01-01T00:00:00Z", "side": "buy", "price": 100.0, "qty": 1.0}]

    assert len(differences_of(ours, theirs)) == count
