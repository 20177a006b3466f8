"""Reports are read from a replica, unless it lacks what the primary has or does not answer.

Both are real servers with MariaDB's own replication. What was changed on the replica alone shows
where a report was read.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kit.databases.mariadb import PrivateMariaDB
from kit.databases.sql import execute, fetch_rows
from kit.gateway.processes import Gateway
from kit.http.client import call, get, post_order
from kit.polling import wait_until

MARK = "READ-AT/REPLICA"
READ_PAUSE_SECONDS = 0.005
LAG_SECONDS = 1.5
HEADS = "SELECT account_id, head_seq FROM account_streams ORDER BY account_id"


@dataclass
class Replicated:
    """A gateway with a primary and a replica."""

    gateway: Gateway
    replica: PrivateMariaDB

    @property
    def account_id(self) -> int:
        """The account that trades."""
        return self.gateway.netting_account_id

    @property
    def replica_dsn(self) -> str:
        """The URL of the database on the replica."""
        return self.replica.dsn("reports", driver="asyncmy")

    def trade(self) -> int:
        """Return the id of a new order that is filled."""
        return int(post_order(self.gateway, self.account_id)["results"][0]["order"]["id"])

    def on_replica(self, *statements: str) -> None:
        """Execute statements at the replica alone."""
        execute(self.replica_dsn, *statements)

    def wait_until_equal(self) -> None:
        """Wait until the replica has the events of the primary."""
        dsn = self.gateway.dsn
        wait_until(
            lambda: fetch_rows(self.replica_dsn, HEADS) == fetch_rows(dsn, HEADS),
            30,
            "the replica is up to date",
        )

    def mark(self) -> None:
        """Change all rows of reports at the replica."""
        tables = ("oms_deals", "oms_orders", "oms_positions")
        self.on_replica(*(f"UPDATE {table} SET symbol = '{MARK}'" for table in tables))

    def symbols_of_deals(self, order_id: int) -> list[str]:
        """The symbols of an order's deals, as the page of deals has them."""
        path = f"/oms/deals?account_ids={self.account_id}&order_id={order_id}&cursor="
        return [row["symbol"] for row in get(self.gateway, path)["items"]]

    def part(self) -> dict[str, object]:
        """The replica's part of the health report."""
        return dict(get(self.gateway, "/health")["parts"]["replica"])


@pytest.fixture(scope="module")
def replicated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicated]:
    """The gateway, shared by the tests of this file."""
    folder: Path = tmp_path_factory.mktemp("replica")
    binlog = ("--log-bin=binlog", "--binlog-format=ROW", "--sync-binlog=0")
    with (
        PrivateMariaDB((*binlog, "--server-id=1")) as primary,
        PrivateMariaDB(("--server-id=2",)) as replica,
    ):
        _replicate(primary, replica)
        primary.create_database("reports")
        gateway = Gateway(
            folder,
            dsn=primary.dsn("reports", driver="asyncmy"),
            mariadb=primary,
            workers=1,
            environment={"OMS_DATABASE_READ_URL": replica.dsn("reports", driver="asyncmy")},
        )
        try:
            gateway.start()
            yield Replicated(gateway, replica)
        finally:
            gateway.stop()


def _replicate(primary: PrivateMariaDB, replica: PrivateMariaDB) -> None:
    connection = replica.connect()
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={primary.port},"
                " MASTER_USER='root', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1"
            )
            cursor.execute("START SLAVE")
    finally:
        connection.close()


def test_reports_are_read_at_the_replica(replicated: Replicated) -> None:
    order_id = replicated.trade()
    replicated.wait_until_equal()
    replicated.mark()
    assert replicated.symbols_of_deals(order_id) == [MARK]
    account = f"account_ids={replicated.account_id}"
    for path in ("deals", "orders", "positions"):
        rows = get(replicated.gateway, f"/oms/export/{path}?{account}&format=json")
        assert {row["symbol"] for row in rows} == {MARK}
    grouped = get(replicated.gateway, f"/stats?{account}&group_by=symbol")
    assert MARK in str(grouped)
    part = replicated.part()
    assert part["ok"] and float(str(part["value"])) < 60
    # Open orders and positions are no report.
    opened = get(replicated.gateway, f"/oms/positions/open?{account}")
    assert MARK not in str(opened)


def test_a_late_replica_is_not_read(replicated: Replicated) -> None:
    replicated.wait_until_equal()
    replicated.on_replica("STOP SLAVE")
    order_id = replicated.trade()
    assert replicated.symbols_of_deals(order_id) == ["BTC/USDT:USDT"]
    replicated.on_replica("START SLAVE")
    replicated.wait_until_equal()
    replicated.mark()
    assert replicated.symbols_of_deals(order_id) == [MARK]


@dataclass
class ReportReaders:
    """Readers of the newest deals beside a client that trades: what they saw, and from where."""

    replicated: Replicated
    places: "Counter[str]" = field(default_factory=Counter)
    stale: list[int] = field(default_factory=list)
    _answered: list[int] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def trade(self) -> None:
        """Send orders until the end."""
        while not self._stop.is_set():
            self._answered.append(self.replicated.trade())

    def read(self) -> None:
        """Read the deals of the newest answered order until the end."""
        path = f"/oms/deals?account_ids={self.replicated.account_id}&cursor=&order_id="
        while not self._stop.is_set():
            order_id = self._answered[-1]
            rows = get(self.replicated.gateway, f"{path}{order_id}")["items"]
            if not rows:
                self.stale.append(order_id)
            self.places.update({row["comment"] or "primary" for row in rows})
            time.sleep(READ_PAUSE_SECONDS)

    def run_until(self, *places: str) -> None:
        """Trade and read for a while, and until reports came from each of the places."""
        self._answered.append(self.replicated.trade())
        with ThreadPoolExecutor(3) as threads:
            jobs = [threads.submit(work) for work in (self.trade, self.read, self.read)]
            try:
                time.sleep(LAG_SECONDS)
                wait_until(
                    lambda: set(places) <= set(self.places) or any(job.done() for job in jobs),
                    30,
                    f"reports come from {places}",
                )
            finally:
                self._stop.set()
            for job in jobs:
                job.result()


def test_reports_have_what_was_answered_while_the_replica_lags(replicated: Replicated) -> None:
    """No report lacks a deal of an order that was answered before it was asked for."""
    replicated.wait_until_equal()
    # Rows that the replica receives name it: where a report was read.
    replicated.on_replica(
        "SET GLOBAL slave_run_triggers_for_rbr = 'YES'",
        "CREATE TRIGGER place BEFORE INSERT ON oms_deals FOR EACH ROW SET NEW.comment = 'replica'",
    )
    try:
        for delay, places in ((0, ["replica"]), (1, ["primary"])):
            replicated.on_replica(
                "STOP SLAVE", f"CHANGE MASTER TO MASTER_DELAY = {delay}", "START SLAVE"
            )
            readers = ReportReaders(replicated)
            readers.run_until(*places)
            print(f"delay {delay} s: {dict(readers.places)}, stale {len(readers.stale)}")
            assert readers.stale == []
    finally:
        replicated.on_replica(
            "STOP SLAVE", "CHANGE MASTER TO MASTER_DELAY = 0", "START SLAVE", "DROP TRIGGER place"
        )


def test_the_primary_takes_the_place_of_a_dead_replica(replicated: Replicated) -> None:
    order_id = replicated.trade()
    replicated.wait_until_equal()
    replicated.mark()
    replicated.replica.kill()
    assert replicated.symbols_of_deals(order_id) == ["BTC/USDT:USDT"]
    assert not replicated.part()["ok"]
    status, body, _ = call(replicated.gateway, "GET", "/health")
    assert (status, body["status"]) == (200, "degraded")
    replicated.replica.start()
    wait_until(lambda: replicated.symbols_of_deals(order_id) == [MARK], 30, "it is read again")
    wait_until(lambda: replicated.part()["ok"], 10, "its health is ok")


def test_a_hanging_replica_costs_two_seconds_once(replicated: Replicated) -> None:
    order_id = replicated.trade()
    replicated.wait_until_equal()
    replicated.replica.pause()
    try:
        assert replicated.symbols_of_deals(order_id) == ["BTC/USDT:USDT"]
        assert replicated.symbols_of_deals(order_id) == ["BTC/USDT:USDT"]
    finally:
        replicated.replica.resume()
