"""No statement of the gateway reads more because the past is longer.

``statements.jsonl`` has every statement that reads, recorded while tests ran on both kinds of
database (``record_statements.py``). Each is executed with a past of ``ROWS_SHORT`` rows in every
table that grows, and with a longer one; the database itself counts the rows or steps. What grows
is listed with its reason.
"""

import ast
import asyncio
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kit.databases.mariadb import PrivateMariaDB
from kit.databases.schema import create_schema
from kit.databases.sql import connect
from kit.databases.statement_costs import measure_on
from kit.statements.canonical import canonical_statement
from kit.statements.filled_tables import GROWING, fill_tables
from kit.statements.recorded import Recorded, read_recorded
from oms.adapters.sql import store

#: ``OMS_TEST_PLAN_ROWS=100000,1000000`` asks for other lengths of the past.
ROWS_SHORT, ROWS_LONG = (
    int(text) for text in os.environ.get("OMS_TEST_PLAN_ROWS", "4000,12000").split(",")
)
#: So few that an account has more rows than any page even in the short past.
ACCOUNTS = 3
#: A tree may be a level deeper, and a page may begin elsewhere.
GROWTH_MAX = 1.5
SPARE = {"mariadb": 60, "sqlite": 3_000}
STORE = Path(store.__file__).parent
RECORDED = read_recorded(Path(__file__).with_name("statements.jsonl"))
TOTAL = "a total that was asked for counts all that it covers"
FILTER = "a filter without an index of its own reads on until the page is full"
WINDOW = "rows of a window of time, which is open at one end here"
THINNED = "snapshots are thinned: years add one a day"
#: Statements that read more with a longer past: sender, a part of the text, and why they may.
READS_MORE: tuple[tuple[str, str, str], ...] = (
    ("maintenance.backup", "", "a backup has all rows"),
    ("maintenance.migration_runner", "", "a revision may fill a column"),
    ("reads.verification_reads", "", "oms verify reads all rows"),
    ("reads.value_scan", "", "oms verify reads all values"),
    ("ledger.replay_reads", "", "oms replay reads the deals of a symbol"),
    ("archive.archive_check", "count(", "oms archive verify counts what stays of an archive"),
    ("performance.account_money:_sums", "", "the first sums of a process, carried on by commits"),
    ("performance.booked_sums", "", "the first sums of a process, carried on by commits"),
    ("performance.position_results", "", "statistics read the positions of their window"),
    ("performance.executions", "", FILTER),
    ("performance.equity_snapshots:SqlEquitySnapshots.between", "", THINNED),
    ("performance.equity_snapshots:SqlEquitySnapshots.latest", "", THINNED),
    ("reads.history:SqlHistoryReads._page", "COUNT(*)", TOTAL),
    ("reads.history", "OFFSET", "a page by number counts the rows before it"),
    ("reads.history", "status IN (", FILTER),
    ("reads.history", "reconciled = ?", FILTER),
    ("reads.history", "AND type = ?", FILTER),
    ("reads.history", "AND symbol = ?", FILTER),
    ("reads.history", "strategy_id", FILTER),
    ("reads.history", "reason = ?", FILTER),
    ("reads.history", "_at < ?", WINDOW),
    ("reads.history", "_at >= ? AND id > ?", WINDOW),
    # SQLite merges the ranges of several accounts before it sorts them.
    ("reads.history", "seq_to > ?) OR (account_id = ?", "several streams that are far behind"),
    ("reads.reconcile_store:SqlReconcileStore.find_discrepancies", "class IN (", FILTER),
    ("registry.audit_log", "COUNT(*)", TOTAL),
    ("registry.audit_log:SqlAuditLog", "UNION ALL", FILTER),
    ("registry.browser_sessions", "kind = 'session'", "expired tokens are deleted"),
    ("research.backtest_runs", "f.number", "runs of a user in the order of a figure"),
    ("research.research_requests", "DELETE", "all old ones are deleted, each time"),
    ("signals.signals", "COUNT(*)", TOTAL),
    ("signals.signals", "OFFSET", "a page by number counts the rows before it"),
    ("bots.bots:SqlBots.events", "e.kind = ?", FILTER),
    ("market.candles:SqlCandles.coverage", "", "a series is counted"),
    ("market.funding_rates", "ORDER BY at", "all rates of a contract, for a backtest"),
    ("reads.raw_payloads", "observed_at", WINDOW),
    ("research.backtest_runs", "r.symbol = ?", FILTER),
    ("reads.reconcile_store:SqlReconcileStore.find_discrepancies", "account_id IN (", FILTER),
    # Known to grow, and not yet corrected.
    ("performance.equity_snapshots:SqlEquitySnapshots._thin_to", "", THINNED),
    ("signals.signals:SqlSignals.last_received", "", "on SQLite an index of all signals is read"),
    ("signals.signals", "GROUP BY source_id, status", "signals of all sources are counted"),
    ("performance.account_money:_deals_outside", "", "on SQLite the deals of an account are read"),
    ("reads.metrics", "'UNKNOWN'", "on SQLite the plan begins with the orders"),
)
#: Statements for states that the recorded runs did not reach.
NOT_RECORDED = frozenset(
    (
        "archive.archived_names: SELECT id FROM archived_positions WHERE id",
        "ledger.replay_reads: SELECT position_id FROM oms_deals WHERE account_id =",
        "maintenance.migration_runner: SELECT oldest_program FROM schema_support",
        "maintenance.migration_runner: SELECT version_num FROM",
        "notifications.deliveries: DELETE FROM notification_deliveries WHERE id IN (",
        "queue.command_queue: SELECT id FROM signals WHERE id =",
        "reads.key_usage: FROM oms_orders o WHERE o.id IN",
        "reads.recent_activity: AND state = 'REJECTED' AND reject_source = 'exchange'",
        "reads.recent_activity: SELECT id FROM oms_orders WHERE account_id =",
        "research.backtest_runs: UPDATE backtest_runs SET is_cancel_requested = 1 WHERE id =",
    )
)
SQL_WORDS = re.compile(r"^(SELECT|UPDATE|DELETE)\s")
#: Shorter pieces of a statement's text are found everywhere.
PIECE_MIN = 16


@dataclass(frozen=True, slots=True)
class Pasts:
    """The URLs of a database with a short past and one with a long past."""

    short: str
    long: str

    @property
    def kind(self) -> str:
        """The kind of database."""
        return "sqlite" if self.short.startswith("sqlite") else "mariadb"


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def pasts(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pasts]:
    """Two filled databases."""
    lengths = {"short": ROWS_SHORT, "long": ROWS_LONG}
    if request.param == "sqlite":
        folder = tmp_path_factory.mktemp("pasts")
        urls = {name: f"sqlite+aiosqlite:///{folder / name}.sqlite3" for name in lengths}
        yield _filled(urls, lengths)
        return
    server: PrivateMariaDB = request.getfixturevalue("mariadb")
    names = {name: f"past_{name}_{uuid.uuid4().hex[:8]}" for name in lengths}
    for name in names.values():
        server.create_database(name)
    yield _filled({key: server.dsn(name, "asyncmy") for key, name in names.items()}, lengths)
    for name in names.values():
        server.drop_database(name)


def _filled(urls: Mapping[str, str], lengths: Mapping[str, int]) -> Pasts:
    for name, url in urls.items():
        asyncio.run(create_schema(url))
        fill_tables(url, count=lengths[name], accounts=ACCOUNTS)
    return Pasts(urls["short"], urls["long"])


def test_no_statement_reads_more_because_the_past_is_longer(pasts: Pasts) -> None:
    judged = [
        each
        for each in RECORDED
        if GROWING.intersection(each.tables().values()) and not _may_read_more(each)
    ]
    assert len(judged) > 100
    grown: dict[str, str] = {}
    with connect(pasts.short) as short, connect(pasts.long) as long:
        for recorded in judged:
            growth = _growth(recorded, pasts, short, long)
            if growth is not None:
                grown[f"{recorded.senders[0]}: {recorded.text}"] = growth
    assert grown == {}


def _growth(recorded: Recorded, pasts: Pasts, short: Any, long: Any) -> str | None:
    """What the statement reads with either past, if that grows with it."""
    work = []
    for connection, url, rows in ((short, pasts.short, ROWS_SHORT), (long, pasts.long, ROWS_LONG)):
        is_sqlite = pasts.kind == "sqlite"
        bound = recorded.bound(rows=rows, accounts=ACCOUNTS, is_sqlite=is_sqlite)
        work.append(measure_on(connection, url, bound).work)
    is_grown = work[1] > GROWTH_MAX * work[0] + SPARE[pasts.kind]
    return f"{work[0]} and {work[1]}" if is_grown else None


def _may_read_more(recorded: Recorded) -> bool:
    return any(
        part in recorded.text and any(sender.startswith(name) for sender in recorded.senders)
        for name, part, _ in READS_MORE
    )


def test_every_statement_of_the_store_is_recorded() -> None:
    texts = "\n".join(re.sub(r"\s+", " ", recorded.text) for recorded in RECORDED)
    senders = {sender.partition(":")[0] for each in RECORDED for sender in each.senders}
    missing = []
    for path in sorted(STORE.rglob("*.py")):
        module = path.relative_to(STORE).with_suffix("").as_posix().replace("/", ".")
        if module.startswith(("connection.", "migrations.", "tables.")):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        pieces = {f"{module}: {piece}" for piece in _pieces(tree) if piece not in texts}
        missing += sorted(pieces - NOT_RECORDED)
        if module != "maintenance.backup" and _builds_selects(tree) and module not in senders:
            missing.append(f"{module}: statements of SQLAlchemy")
    assert missing == [], "record them: test/integration/store/plans/record_statements.py"


def _pieces(tree: ast.AST) -> Iterator[str]:
    """Yield, of each text of a statement, the longest piece that is constant."""
    for node in ast.walk(tree):
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        constants = [
            part.value
            for part in parts
            if isinstance(part, ast.Constant) and isinstance(part.value, str)
        ]
        if constants and SQL_WORDS.match(constants[0]):
            parts_of_text = [
                part
                for constant in constants
                for part in re.split(r"\?|\{[^{}]*\}", canonical_statement(constant))
            ]
            plain = re.sub(r"\s+", " ", max(parts_of_text, key=len)).strip()
            if len(plain) >= PIECE_MIN:
                yield plain


def _builds_selects(tree: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("select", "update", "delete")
        for node in ast.walk(tree)
    )


def test_the_measure_finds_what_grows(pasts: Pasts) -> None:
    with connect(pasts.short) as short, connect(pasts.long) as long:
        for text in (
            "SELECT COUNT(*) FROM oms_orders WHERE account_id = ?",
            "SELECT id FROM oms_deals WHERE account_id = ? ORDER BY price LIMIT 10",
            "DELETE FROM oms_deals WHERE price = 7 AND account_id <> ?",
        ):
            recorded = Recorded(text=text, values=[1], senders=["a"])
            assert _growth(recorded, pasts, short, long) is not None, text
