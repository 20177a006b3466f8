"""Fault run: orders at a loopback exchange while faults are injected and workers are killed.

Every kind of fault that concerns requests, reads or streams occurs ten times, every kill finds
commands in flight; of two workers one is frozen beyond its lease now and then. In the end orders,
deals, positions and balances equal the exchange's own books.

``make faults`` runs all three, ``make test`` the first. Another run: ``OMS_FAULT_RUN_ORDERS``,
``_FAULTS`` (of each kind), ``_SECONDS``, ``_KILL_SECONDS``, ``_SETTLE_SECONDS``, ``_EXCHANGES``
(exchange ids with commas, an account each), ``_DATABASE`` and ``_SEED``.
"""

import json
import os
import random
import time
from collections import Counter
from dataclasses import dataclass, fields, replace
from threading import Thread
from typing import Any

import pytest

from kit.databases.sql import fetch_rows
from kit.exchanges.book_comparison import BookDifferences, compare_books
from kit.exchanges.loopback_process import LoopbackExchange, run_loopback
from kit.faults.exchange_faults import ExchangeFaults
from kit.faults.worker_faults import WorkerFaults
from kit.gateway.loopback_accounts import LoopbackAccount, add_loopback_accounts
from kit.gateway.processes import Gateway
from kit.http.client import call
from kit.load.exchange_load import LINEAR, SPOT, ExchangeLoad
from kit.polling import wait_until
from kit.run_size import IS_FULL_SIZE
from oms.adapters.sql.tables import METADATA


@dataclass(frozen=True)
class Run:
    """The parameters of a run; two workers if the database is a server."""

    database: str
    exchanges: str
    orders: int = 300
    #: Number of faults of each kind.
    faults: int = 10
    seconds: float = 80.0
    #: Mean time between the recovery from a kill and the next one.
    kill_seconds: float = 4.0
    #: How long the two sides may take to become equal after the load.
    settle_seconds: float = 60.0

    def otherwise(self) -> "Run":
        """Return the run with the overrides of the environment."""
        overrides = {
            name: type(getattr(self, name))(text)
            for name in (each.name for each in fields(self))
            if (text := os.environ.get(f"OMS_FAULT_RUN_{name.upper()}")) is not None
        }
        return replace(self, **overrides)


RUNS = {
    "bybit": Run("sqlite", "ccxtpro.bybit,ccxt.bybit," * 2 + "ccxtpro.bybit,ccxt.bybit"),
    "both": Run(
        "mariadb",
        "ccxtpro.bybit,ccxt.bybit,ccxtpro.bybit,ccxtpro.binance,ccxt.binance,ccxtpro.binance",
        seconds=130.0,
    ),
    # At OKX an order counts as absent a minute after its send.
    "okx": Run(
        "sqlite", "ccxtpro.okx,ccxt.okx," * 2 + "ccxtpro.okx,ccxt.okx", settle_seconds=180.0
    ),
}
#: A run ends early if no missing fault or order occurred for so long.
STALL_SECONDS_MAX = 90.0
LEASE_SECONDS = 3
PRICE = 60_000
_DOUBTFUL = """SELECT id, account_id, status, pending_change FROM oms_orders
               WHERE status IN ('PENDING_SUBMIT', 'UNKNOWN')"""


@pytest.mark.parametrize("name", RUNS if IS_FULL_SIZE else ["bybit"])
def test_fault_run(name: str, gateway_on: Any) -> None:
    run = RUNS[name].otherwise()
    seed = int(os.environ.get("OMS_FAULT_RUN_SEED") or time.time_ns() % 1_000_000)
    print(f"seed {seed}")
    workers = 2 if run.database == "mariadb" else None
    environment = {"OMS_LEASE_SECONDS": str(LEASE_SECONDS)}
    gateway: Gateway = gateway_on(run.database, workers=workers, environment=environment)
    with run_loopback() as venue:
        _show(venue, PRICE)
        accounts = add_loopback_accounts(gateway, venue, run.exchanges.split(","))
        pause = run.seconds * len(accounts) / (run.orders * 1.4)
        clients = [ExchangeLoad(gateway, each, PRICE, seed, pause) for each in accounts]
        dialects = sorted({each.dialect for each in accounts})
        listens = any(each.exchange_id.startswith("ccxtpro.") for each in accounts)
        fault_log = ExchangeFaults(venue, run.faults, seed, dialects, listens)
        found = _storm(run, gateway, venue, clients, fault_log, seed)
        triggered = fault_log.triggered()
        venue.control("clear")
        _show(venue, PRICE)
        unequal, settled = _settled(run, gateway, venue, accounts)
        print(_table(clients, triggered, found, unequal, settled, seed))
        if unequal.messages():
            _save_state(gateway, venue)
        assert not unequal.messages(), "\n".join(unequal.messages()[:20])
        _check_ends(gateway.dsn)
    assert all(found), f"a kill found nothing in flight: {found}"
    assert {kind: triggered[kind] for kind in fault_log.kinds if triggered[kind] < run.faults} == {}
    assert sum(each.orders for each in clients) >= run.orders
    verdict = gateway.verify()
    assert verdict["ok"], json.dumps(verdict)[:2000]


def _storm(
    run: Run,
    gateway: Gateway,
    venue: LoopbackExchange,
    clients: list[ExchangeLoad],
    fault_log: ExchangeFaults,
    seed: int,
) -> list[int]:
    """Trade until every fault occurred often enough. Returns what each kill found in flight."""
    threads = [Thread(target=client.run, daemon=True) for client in clients]
    threads.append(Thread(target=fault_log.run, args=(run.seconds * 0.9,), daemon=True))
    for thread in threads:
        thread.start()
    try:
        return _kills(run, gateway, venue, clients, fault_log, seed)
    finally:
        for stopped in (*clients, fault_log):
            stopped.stop()
        for thread in threads:
            thread.join(60)


def _kills(
    run: Run,
    gateway: Gateway,
    venue: LoopbackExchange,
    clients: list[ExchangeLoad],
    fault_log: ExchangeFaults,
    seed: int,
) -> list[int]:
    """Kill workers until every fault and order occurred, or none did for STALL_SECONDS_MAX.

    Returns what each kill found in flight.
    """
    found: list[int] = []
    chance = random.Random(seed)
    faults = WorkerFaults(gateway, fault_log, len(clients), chance)
    least, progress_at = _lacking(run, clients, fault_log), time.monotonic()
    while least and time.monotonic() - progress_at < STALL_SECONDS_MAX:
        _until_next_kill(venue, chance, run.kill_seconds * chance.uniform(0.6, 1.4))
        found.append(faults.inject())
        if (lacking := _lacking(run, clients, fault_log)) < least:
            least, progress_at = lacking, time.monotonic()
    print("seconds until recovery:", *(round(each, 1) for each in faults.recovery_seconds))
    return found


def _lacking(run: Run, clients: list[ExchangeLoad], fault_log: ExchangeFaults) -> int:
    """Number of faults and orders that are still to occur."""
    triggered = fault_log.triggered()
    faults = sum(max(run.faults - triggered[kind], 0) for kind in fault_log.kinds)
    return faults + max(run.orders - sum(each.orders for each in clients), 0)


def _until_next_kill(venue: LoopbackExchange, chance: random.Random, seconds: float) -> None:
    """Move the market price meanwhile, so that resting orders are filled."""
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        _show(venue, PRICE + chance.randint(-600, 600))
        time.sleep(min(left, 1.0))  # The interval of price changes; no condition is waited for.


def _show(venue: LoopbackExchange, price: int) -> None:
    for symbol in (LINEAR, SPOT):
        venue.control("price", symbol=symbol, bid=str(price), ask=str(price + 1))


def _settled(
    run: Run, gateway: Gateway, venue: LoopbackExchange, accounts: list[LoopbackAccount]
) -> tuple[BookDifferences, float]:
    """Wait until both sides are equal and no outcome is unknown; the differences and seconds."""
    began = time.monotonic()
    try:
        wait_until(
            lambda: not fetch_rows(gateway.dsn, _DOUBTFUL),
            run.settle_seconds,
            "an order is still of unknown outcome",
        )
    except AssertionError:
        print("unknown outcomes:", *fetch_rows(gateway.dsn, _DOUBTFUL), sep="\n")
        _save_state(gateway, venue)
        raise
    _reconcile(run, gateway, venue, [each.account_id for each in accounts])
    reconciled_at = time.monotonic()
    while True:
        unequal = compare_books(gateway, venue, accounts)
        now = time.monotonic()
        if not unequal.messages() or now - reconciled_at > run.settle_seconds:
            return unequal, now - began
        time.sleep(1)


def _reconcile(run: Run, gateway: Gateway, venue: LoopbackExchange, account_ids: list[int]) -> None:
    """Reconcile all accounts, each by a pass that ends: no fault is left that could stop one."""
    ends_at = time.monotonic() + run.settle_seconds
    while account_ids:
        body = {"account_ids": account_ids, "scope": "short"}
        status, response, _ = call(gateway, "POST", "/oms/reconcile", body, seconds=90)
        rows = response.get("results", ())
        account_ids = [row["account_id"] for row in rows if not row["ok"]] if rows else account_ids
        if account_ids and time.monotonic() > ends_at:
            _save_state(gateway, venue)
            raise AssertionError(f"accounts {account_ids} are not reconciled: {status} {response}")
        if account_ids:
            time.sleep(1)


def _save_state(gateway: Gateway, venue: LoopbackExchange) -> None:
    """Save the state of both sides for the analysis of a failure, and print the end of the log."""
    print(gateway.log_tail(400))
    names = ("oms_orders", "oms_order_attempts", "oms_deals", "oms_commands")
    tables = {name: _table_of(gateway.dsn, name) for name in names}
    there = {"there": venue.control("books"), "log": venue.control("log")["log"]}
    text = json.dumps({"ours": tables} | there, default=str)
    path = gateway.folder / "unequal.json"
    path.write_text(text, encoding="utf-8")
    print(f"both sides: {path}")


def _table_of(dsn: str, name: str) -> list[dict[str, Any]]:
    columns = [column.name for column in METADATA.tables[name].columns]
    found = fetch_rows(dsn, f"SELECT {', '.join(columns)} FROM {name}")
    return [dict(zip(columns, row, strict=True)) for row in found]


def _check_ends(dsn: str) -> None:
    open_ones = "SELECT id, command_type, status, error_json FROM oms_commands WHERE status IN"
    assert not fetch_rows(dsn, f"{open_ones} ('queued', 'running', 'unknown')")
    assert not fetch_rows(dsn, _DOUBTFUL)


def _table(
    clients: list[ExchangeLoad],
    triggered: dict[str, int],
    found: list[int],
    unequal: BookDifferences,
    settled: float,
    seed: int,
) -> str:
    deeds = dict(sum((each.done for each in clients), Counter()))
    lines = [
        f"seed {seed}: {sum(each.orders for each in clients)} orders, commands {deeds}",
        f"faults triggered: {sum(triggered.values())} of {len(triggered)} kinds: {dict(triggered)}",
        f"kills {len(found)}, commands in flight at each: {found}",
        f"lost {len(unequal.lost)}, duplicated {len(unequal.duplicated)},"
        f"mis-attributed {len(unequal.misattributed)}, differing {len(unequal.differs)}",
        f"settled {settled:.0f} s after the load; refused on submit:"
        f"{sum(len(each.refused) for each in clients)} {clients[0].refused[:2]}",
    ]
    return "\n".join(lines)
