"""Two API hosts and a worker on a third share a database and Redis, and nothing else.

The hosts are folders of sockets of their own on one machine. The clock of the second API process is
five seconds ahead.
"""

import os
import signal
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from glob import glob
from pathlib import Path
from typing import Any

import pytest

from kit.databases.mariadb import PrivateMariaDB
from kit.databases.redis import PrivateRedis
from kit.databases.sql import fetch_rows
from kit.free_ports import free_port
from kit.gateway.processes import Gateway
from kit.http.client import call, post_order
from kit.machine_load import LoadMeter, stretch
from kit.polling import wait_until

CLOCK_AHEAD = "+5s"
#: Keys are cached this long, so that a change seen earlier came by a notification.
CACHE_SECONDS = 5
DISABLED_SECONDS_MAX = 2.5
#: Without notifications a process looks for itself once a second.
POLL_SECONDS = 1.0
READS_PER_SECOND = 20
SWITCHED = ("ETH/USDT:USDT", "SOL/USDT:USDT")


@dataclass
class Host:
    """The API of a host, for the client of the tests."""

    base_url: str
    api_key: str


@dataclass
class Cluster:
    """A gateway whose own process is the first API host."""

    gateway: Gateway
    second: Host
    redis: PrivateRedis

    def orders(self, count: int) -> float:
        """Return the median seconds of orders by both hosts in turn, each answered when done."""
        seconds = []
        for number in range(count):
            host = self.second if number % 2 else self.gateway
            began = time.monotonic()
            answer = post_order(host, self.gateway.account_id)
            assert answer["results"][0]["status"] == "done", answer
            seconds.append(time.monotonic() - began)
        return statistics.median(seconds)


def _clock_ahead() -> dict[str, str]:
    """The environment of a process whose wall clock is ahead."""
    libraries = glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    assert libraries, "a clock cannot be changed: apt-get install -y faketime"
    return {
        "LD_PRELOAD": libraries[0],
        "FAKETIME": CLOCK_AHEAD,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, mariadb: PrivateMariaDB) -> Iterator[Cluster]:
    """The three hosts, shared by the tests of this file."""
    folder: Path = tmp_path_factory.mktemp("hosts")
    mariadb.create_database("hosts")
    with PrivateRedis(folder) as redis:
        environment = {
            "OMS_REDIS_URL": redis.url,
            "OMS_ACCESS_CACHE_SECONDS": str(CACHE_SECONDS),
            "OMS_LIMITS_READ_PER_SECOND": str(READS_PER_SECOND),
        }
        gateway = Gateway(
            folder / "first",
            dsn=mariadb.dsn("hosts", driver="asyncmy"),
            mariadb=mariadb,
            workers=0,
            worker_host="third",
            environment=environment,
        )
        try:
            port = free_port()
            second = Host(f"http://127.0.0.1:{port}", "")
            gateway.start()
            second.api_key = gateway.api_key
            gateway.start_on_host("second", "api", OMS_PORT=str(port), **_clock_ahead())
            wait_until(lambda: _is_ready(second), 60, "the second host is ready")
            yield Cluster(gateway, second, redis)
        finally:
            gateway.stop()


def _is_ready(host: Host) -> bool:
    try:
        return call(host, "GET", "/readyz", seconds=2)[0] == 200
    except (OSError, ValueError):
        return False


def test_the_clocks_differ(cluster: Cluster) -> None:
    created = []
    for host in (cluster.gateway, cluster.second):
        body = post_order(host, cluster.gateway.account_id)
        query = f"SELECT created_at FROM oms_commands WHERE id={body['results'][0]['command_id']}"
        created.append(fetch_rows(cluster.gateway.dsn, query)[0][0])
    assert 4 < (created[1] - created[0]).total_seconds() < 60


def test_commands_are_executed_in_the_order_in_which_they_were_acknowledged(
    cluster: Cluster,
) -> None:
    gateway, account_id = cluster.gateway, cluster.gateway.account_id
    worker_pid = gateway.pid("worker")
    os.kill(worker_pid, signal.SIGSTOP)
    ids: list[int] = []
    try:
        for number in range(40):
            host = gateway if number % 2 else cluster.second
            body = post_order(host, account_id, wait_ms=0, order_type="limit", price="1")
            ids.append(body["results"][0]["command_id"])
    finally:
        os.kill(worker_pid, signal.SIGCONT)
    listed = ",".join(map(str, ids))
    query = f"SELECT command_id FROM oms_orders WHERE command_id IN ({listed}) ORDER BY id"
    wait_until(lambda: len(fetch_rows(gateway.dsn, query)) == len(ids), 30, "all are executed")
    assert [row[0] for row in fetch_rows(gateway.dsn, query)] == ids


def test_results_come_by_redis_and_by_polling_without_it(cluster: Cluster) -> None:
    assert cluster.orders(10) < stretch(POLL_SECONDS / 4)
    cluster.redis.kill()
    polled = cluster.orders(4)
    assert 0.9 * POLL_SECONDS < polled < stretch(3 * POLL_SECONDS)
    cluster.redis.start()
    _wait_until_faster(cluster, polled)
    cluster.redis.pause()
    try:
        polled = cluster.orders(4)
        assert 0.9 * POLL_SECONDS < polled < stretch(3 * POLL_SECONDS)
    finally:
        cluster.redis.resume()
    _wait_until_faster(cluster, polled)
    assert cluster.gateway.verify()["ok"]


def _wait_until_faster(cluster: Cluster, polled: float) -> None:
    """Wait until orders take less than ``polled`` seconds by most of a wait for the next poll.

    Both contain what this machine needs for an order, which on a slow one is more than the wait.
    """
    taken: list[float] = []
    deadline = time.monotonic() + 30
    while not taken or taken[-1] > polled - 0.75 * POLL_SECONDS:
        assert time.monotonic() < deadline, f"Redis is not used: {taken}, polled {polled}"
        taken.append(cluster.orders(3))


def test_a_disabled_key_ends_on_all_hosts_at_once(cluster: Cluster) -> None:
    gateway, second = cluster.gateway, cluster.second
    created = gateway.oms("create-api-key", f"--user-id={_trader_id(gateway)}")
    key, key_id = created["api_key"], created["api_key_id"]
    assert call(second, "GET", "/oms/accounts", key=key)[0] == 200
    status, body, _ = call(
        gateway,
        "PATCH",
        f"/admin/api-keys/{key_id}",
        {"status": "disabled", "comment": "lost by its owner"},
        key=gateway.admin_api_key,
    )
    assert status == 200, body
    with LoadMeter() as load:
        disabled_at = time.monotonic()
        wait_until(
            lambda: call(second, "GET", "/oms/accounts", key=key)[0] == 401,
            30,
            "the key is refused",
        )
        took = time.monotonic() - disabled_at
    assert took < min(load.stretch(DISABLED_SECONDS_MAX), CACHE_SECONDS)


def test_a_switch_of_one_host_refuses_the_next_order(cluster: Cluster) -> None:
    """No command follows from these switches: the worker knows of them by a notification alone."""
    gateway = cluster.gateway
    for symbol in SWITCHED:
        done = _order(cluster, symbol)
        assert done["status"] == "done", done
        body = {"scope": "symbol", "scope_id": symbol, "mode": "reduce_only", "comment": "test"}
        body |= {"cancel_entries": False}
        status, answer, _ = call(
            cluster.second, "POST", "/risk/kill", body, key=gateway.admin_api_key
        )
        assert status == 200, answer
        wait_until(partial(_is_refused, cluster, symbol), POLL_SECONDS / 2, "a refusal")


def _is_refused(cluster: Cluster, symbol: str) -> bool:
    return _order(cluster, symbol)["ok"] is False


def _order(cluster: Cluster, symbol: str) -> Any:
    order = {"symbol": symbol, "side": "buy", "order_type": "market", "qty": "0.1"}
    command = {
        "account_id": cluster.gateway.account_id,
        "command": "send_order",
        "payload": order,
    }
    _, body, _ = call(cluster.gateway, "POST", "/oms/commands?wait_ms=9000", command)
    return (body.get("detail") or body)["results"][0]


def test_the_limit_of_a_key_holds_over_both_hosts(cluster: Cluster) -> None:
    seconds = 4.0
    key = cluster.gateway.oms("create-api-key", f"--user-id={_trader_id(cluster.gateway)}")[
        "api_key"
    ]
    deadline = time.monotonic() + seconds
    accepted: list[int] = []

    def read(host: Any) -> None:
        count = 0
        while time.monotonic() < deadline:
            count += call(host, "GET", "/oms/accounts", key=key)[0] == 200
        accepted.append(count)

    threads = [
        threading.Thread(target=read, args=(host,)) for host in (cluster.gateway, cluster.second)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Two full buckets, and what both accept before they know of each other; without an exchange of
    # usage it would be twice the limit.
    assert min(accepted) > 0
    assert sum(accepted) <= READS_PER_SECOND * (seconds + 3)


def _trader_id(gateway: Gateway) -> int:
    return int(fetch_rows(gateway.dsn, "SELECT id FROM users WHERE name = 'trader'")[0][0])
