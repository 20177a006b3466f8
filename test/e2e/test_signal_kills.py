"""Alerts that are each sent four times while API and worker are killed: each is executed once.

Senders repeat what was not answered, as TradingView does. In the end every alert is one signal with
one filled order, the positions hold exactly their sum, and every repeat has the id of the first.
"""

import json
import threading
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from http.client import HTTPException
from random import Random
from typing import Any

import pytest

from kit.databases.sql import fetch_number, fetch_rows
from kit.gateway import durability_checks
from kit.gateway.in_process import MANUAL
from kit.gateway.processes import Gateway
from kit.http.client import call
from kit.polling import wait_until
from kit.run_size import choose_size

ALERTS = choose_size(60, 1000)
COPIES = 4
WORKER_KILLS = choose_size(3, 20)
API_KILLS = choose_size(1, 4)
ACCOUNTS = 3
SECONDS_MAX = 120.0
SYMBOL = "BTC/USDT:USDT"


@dataclass
class Alerts:
    """Sends each alert ``COPIES`` times in a random order, and again until it is answered."""

    gateway: Gateway
    paths: list[str]
    #: Ids of signals that the copies of an alert were answered with.
    ids: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    answered: int = 0
    repeats: int = 0
    problems: list[object] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, alert: int) -> None:
        """Send a copy until it is answered."""
        body = {"ticker": SYMBOL, "action": "buy", "quantity": "0.01", "alert_id": f"alert-{alert}"}
        path, deadline = self.paths[alert % len(self.paths)], time.monotonic() + SECONDS_MAX
        while True:
            assert time.monotonic() < deadline, f"alert {alert} was not answered"
            status, answer = _post(self.gateway.base_url + path, body)
            if status in (200, 202):
                break
            if status not in (0, 503):
                self.problems.append((status, answer))
                return
            with self._lock:
                self.repeats += 1
            time.sleep(0.05)  # The sender's pause.
        with self._lock:
            self.ids[alert].add(answer["signal_id"])
            self.answered += 1

    def wait_until_answered(self, count: int) -> None:
        """Wait for the answers to so many copies."""
        enough = partial(self._has_answered, count)
        wait_until(enough, SECONDS_MAX, "alerts are answered")
        assert not self.problems, (self.problems[:3], self.gateway.log_tail())

    def _has_answered(self, count: int) -> bool:
        return self.answered >= count or bool(self.problems)


@pytest.mark.parametrize("database", ["sqlite", "mariadb"])
def test_each_alert_is_executed_once(database: str, gateway_on: Any) -> None:
    quick = {"OMS_LEASE_SECONDS": "3", "OMS_PAPER_TICK_MS": "20"}
    gateway: Gateway = gateway_on(database, environment=quick)
    accounts = gateway.add_accounts(ACCOUNTS, position_mode="netting", extra_config=MANUAL)
    alerts = Alerts(gateway, [*_sources(gateway, accounts)])
    copies = [alert for alert in range(ALERTS) for _ in range(COPIES)]
    Random(7).shuffle(copies)
    victims = ["worker"] * WORKER_KILLS
    for number in range(API_KILLS):
        victims.insert(1 + number * (len(victims) // API_KILLS), "api")
    unfinished: list[int] = []
    began = time.monotonic()
    with ThreadPoolExecutor(8) as senders:
        sending = [senders.submit(alerts.send, alert) for alert in copies]
        for number, victim in enumerate(victims, start=1):
            alerts.wait_until_answered(len(copies) * number // (len(victims) + 1))
            gateway.kill(victim)
            unfinished.append(_count(gateway, "status = 'queued'"))
        while not alerts.repeats:
            # The supervisor keeps the listener: a kill between two requests interrupts none.
            assert time.monotonic() - began < SECONDS_MAX, "no request was interrupted"
            sending += [senders.submit(alerts.send, alert) for alert in range(ALERTS)]
            alerts.wait_until_answered(alerts.answered + COPIES)
            gateway.kill("api")
        for each in sending:
            each.result()
    wait_until(lambda: not _count(gateway, "status = 'queued'"), SECONDS_MAX, "signals end")
    print(f"{ALERTS} alerts, {len(copies)} copies, {alerts.repeats} repeated requests,")
    print(f"signals not ended at the kills: {unfinished}; {time.monotonic() - began:.1f} s")
    assert any(unfinished), "no kill came before the end of a signal"
    assert not alerts.problems, alerts.problems[:3]
    assert {len(ids) for ids in alerts.ids.values()} == {1}, "an alert has two signals"
    ended = fetch_rows(gateway.dsn, "SELECT status, reason FROM signals")
    assert Counter(ended) == {("done", None): ALERTS}
    _check_orders(gateway)
    durability_checks.check_deals(gateway.dsn)
    durability_checks.check_numbers(gateway.dsn)
    verdict = gateway.verify()
    assert verdict["ok"], json.dumps(verdict)[:2000]


def _post(url: str, body: object) -> tuple[int, Any]:
    """Send an alert without a key; status 0: no answer."""
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()
    except (OSError, HTTPException, ValueError):
        return 0, None


def _sources(gateway: Gateway, accounts: list[int]) -> Iterator[str]:
    """Yield the path of a source for each account, at a price of 20000."""
    for account in accounts:
        price = {"account_id": account, "symbol": SYMBOL, "price": "20000"}
        status, answer, _ = call(gateway, "POST", "/paper/price?wait_ms=10000", price)
        assert status == 200, answer
        source = {
            "name": f"source-{account}",
            "kind": "tradingview",
            "account_id": account,
            "rate_per_minute": 60_000,
            "queue_expiry_seconds": 3600,
        }
        status, answer, _ = call(
            gateway, "POST", "/signals/sources", source, key=gateway.admin_api_key
        )
        assert status in (200, 201), answer
        yield f"/signals/tradingview/{answer['path_token']}"


def _count(gateway: Gateway, condition: str) -> int:
    return fetch_number(gateway.dsn, f"SELECT COUNT(*) FROM signals WHERE {condition}")


def _check_orders(gateway: Gateway) -> None:
    """Every signal has one filled order, and the positions hold exactly these."""
    query = "SELECT signal_id, state FROM oms_orders WHERE signal_id IS NOT NULL"
    orders = fetch_rows(gateway.dsn, query)
    assert {state for _, state in orders} == {"FILLED"}
    assert len(orders) == len({signal_id for signal_id, _ in orders}) == ALERTS
    legs = "SELECT COUNT(*) FROM oms_commands WHERE request_id LIKE 'oms:signal:%:%'"
    assert fetch_number(gateway.dsn, legs) == ALERTS
    held = fetch_rows(gateway.dsn, "SELECT qty FROM oms_positions WHERE state = 'open'")
    assert sum(Decimal(qty) for (qty,) in held) == Decimal("0.01") * ALERTS
