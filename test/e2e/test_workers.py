"""Workers that crash, hang or share accounts: accounts move, and a replaced worker writes nothing.

A stopped worker (SIGSTOP) is the hard case: its connection and its locks stay alive. On MariaDB the
server ends its open transaction and another worker takes over; on SQLite, where one process may
write at a time, callers get an error until the supervisor ends it.
"""

import os
import signal
import statistics
import time
from typing import Any

import pymysql
import pytest

from kit.databases.sql import connect, fetch_number, fetch_rows
from kit.gateway.processes import Gateway
from kit.http.client import post_order
from kit.machine_load import LoadMeter
from kit.polling import wait_until

LEASE_SECONDS = 5
RESTARTS = 3
WORKERS = "SELECT COUNT(*) FROM workers"
HANDOVER_SECONDS_MAX = 0.1


def test_the_other_worker_takes_over_within_lease_and_a_second(gateway_on: Any) -> None:
    gateway: Gateway = gateway_on("mariadb", workers=2)
    accounts = gateway.add_accounts(6, position_mode="netting")
    shares = wait_until(lambda: _shares(gateway.dsn, accounts), 15, "both workers have accounts")
    victim = gateway.pid_of_owner(max(shares, key=lambda owner: len(shares[owner])))
    with LoadMeter() as load:
        os.kill(victim, signal.SIGKILL)
        died = time.monotonic()
        for account_id in accounts:
            answer = post_order(gateway, account_id, wait_ms=int((LEASE_SECONDS + 5) * 1000))
            assert answer["results"][0]["status"] == "done"
        took = time.monotonic() - died
    assert took <= LEASE_SECONDS + load.stretch(1)


@pytest.mark.parametrize("inside_transaction", [False, True], ids=["idle", "in-transaction"])
def test_a_stopped_worker_on_mariadb_is_replaced(gateway_on: Any, inside_transaction: bool) -> None:
    gateway: Gateway = gateway_on("mariadb", workers=1)
    account_id = gateway.netting_account_id
    post_order(gateway, account_id)
    stopped = gateway.worker_pids()[0]
    if inside_transaction:
        _stop_inside_transaction(gateway, stopped, account_id)
    else:
        os.kill(stopped, signal.SIGSTOP)
    stopped_at = time.monotonic()
    before = fetch_number(gateway.dsn, "SELECT COUNT(*) FROM oms_deals")
    with LoadMeter() as load:
        gateway.start_worker()
        answer = post_order(gateway, account_id, wait_ms=15_000)
        took = time.monotonic() - stopped_at
    assert answer["results"][0]["status"] == "done"
    assert took <= LEASE_SECONDS + load.stretch(5)
    token = _token(gateway.dsn, account_id)
    os.kill(stopped, signal.SIGCONT)
    post_order(gateway, account_id)
    _nothing_written_by_the_replaced(gateway, account_id, token, before)


def test_a_stopped_worker_on_sqlite_is_ended_by_the_supervisor(gateway_on: Any) -> None:
    gateway: Gateway = gateway_on("sqlite")
    post_order(gateway, gateway.netting_account_id)
    stopped = gateway.worker_pids()[0]
    os.kill(stopped, signal.SIGSTOP)
    wait_until(lambda: gateway.worker_pids() not in ([], [stopped]), 15, "a new worker is started")
    answer = post_order(gateway, gateway.netting_account_id, wait_ms=15_000)
    assert answer["results"][0]["status"] == "done"
    assert gateway.verify()["ok"]


def test_a_rolling_restart_hands_accounts_over_at_once(gateway_on: Any) -> None:
    """A stopped worker gives its accounts back and notifies the other, which takes them."""
    gateway: Gateway = gateway_on("mariadb", workers=1)
    account_id = gateway.netting_account_id
    with LoadMeter() as load:
        gaps = [_restart(gateway, account_id) for _ in range(RESTARTS)]
    print(f"without an owner: {', '.join(f'{gap * 1000:.0f} ms' for gap in gaps)}")
    assert statistics.median(gaps) <= load.stretch(HANDOVER_SECONDS_MAX), gaps
    assert gateway.verify()["ok"]


def _restart(gateway: Gateway, account_id: int) -> float:
    """Start another worker, end the first; return the seconds without an owner between."""
    (old,) = wait_until(gateway.worker_pids, 15, "one worker")
    gateway.start_worker()
    wait_until(lambda: fetch_number(gateway.dsn, WORKERS) == 2, 15, "the next worker works")
    owner = _owner(gateway.dsn, account_id)
    assert gateway.pid_of_owner(owner) == old, "one account above the fair share is kept"
    os.kill(old, signal.SIGTERM)
    gap = _seconds_without_owner(gateway.dsn, account_id, owner)
    answer = post_order(gateway, account_id, wait_ms=15_000)
    assert answer["results"][0]["status"] == "done"
    wait_until(lambda: len(gateway.worker_pids()) == 1, 15, "the old worker has ended")
    return gap


def _owner(dsn: str, account_id: int) -> str:
    rows = fetch_rows(dsn, f"SELECT owner FROM account_leases WHERE account_id = {account_id}")
    return str(rows[0][0])


def _seconds_without_owner(dsn: str, account_id: int, owner: str) -> float:
    """How long no other process held the lease, once ``owner`` gave it back."""
    query = f"SELECT owner FROM account_leases WHERE account_id = {account_id}"
    deadline, free_at = time.monotonic() + 30, 0.0
    with connect(dsn) as server:
        server.autocommit(True)
        cursor = server.cursor()
        while time.monotonic() < deadline:
            cursor.execute(query)
            ((now,),) = cursor.fetchall()
            if now != owner and not free_at:
                free_at = time.monotonic()
            if now not in ("", owner):
                return time.monotonic() - free_at
    raise AssertionError("nobody took the account over")


def _stop_inside_transaction(gateway: Gateway, pid: int, account_id: int) -> None:
    """Stop the worker while it holds the account's stream row: caught by watching its locks."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        post_order(gateway, account_id, wait_ms=0)
        os.kill(pid, signal.SIGSTOP)
        if _row_is_locked(gateway.dsn, account_id):
            return
        os.kill(pid, signal.SIGCONT)
    raise AssertionError("the worker was never caught inside a transaction")


def _row_is_locked(dsn: str, account_id: int) -> bool:
    with connect(dsn) as server:
        try:
            server.cursor().execute(
                f"SELECT head_seq FROM account_streams WHERE account_id={account_id}"
                " FOR UPDATE NOWAIT"
            )
            server.rollback()
            return False
        except pymysql.err.OperationalError as locked:
            assert locked.args[0] in (1205, 3572), locked
            return True


def _nothing_written_by_the_replaced(
    gateway: Gateway, account_id: int, token: int, before: int
) -> None:
    deals = fetch_number(gateway.dsn, "SELECT COUNT(DISTINCT order_id) FROM oms_deals")
    # An order is filled at one price of the book or more.
    others = (
        "SELECT COUNT(*) FROM oms_orders o JOIN (SELECT order_id, SUM(qty) AS filled FROM oms_deals"
        " GROUP BY order_id) d ON d.order_id = o.id WHERE d.filled <> o.qty"
    )
    done = fetch_number(
        gateway.dsn,
        f"SELECT COUNT(*) FROM oms_commands WHERE account_id={account_id} AND status='done'",
    )
    assert deals == done, "each command is one order here: more would be the old worker's"
    assert fetch_number(gateway.dsn, others) == 0, "an order was filled by both workers"
    assert deals > before
    assert _token(gateway.dsn, account_id) >= token
    assert gateway.verify()["ok"]


def _token(dsn: str, account_id: int) -> int:
    return fetch_number(
        dsn, f"SELECT lease_token FROM account_streams WHERE account_id={account_id}"
    )


def _shares(dsn: str, accounts: list[int]) -> dict[str, list[int]] | None:
    """Accounts per owner, once two owners hold all of them."""
    shares: dict[str, list[int]] = {}
    for account_id, owner in fetch_rows(dsn, "SELECT account_id, owner FROM account_leases"):
        if account_id in accounts and owner:
            shares.setdefault(owner, []).append(account_id)
    held = sum(len(ids) for ids in shares.values())
    return shares if len(shares) == 2 and held == len(accounts) else None
