"""1 000 commands over 20 accounts from 8 clients while worker and API are killed.

At every kill of the worker stop levels of a further account trigger; at every second one entries
arrive together at another account, whose limit allows three positions.

Every kill must find requests in flight (the test counts them). Clients repeat what was not answered
under the same request_id. In the end every command is `done` exactly once, no deal is booked twice,
and the event numbers have no gaps. Every position whose level was reached is closed by it once. Of
each batch of entries as many pass as the limit allows.
"""

import json
from typing import Any

import pytest

from kit.databases.sql import fetch_number, fetch_rows
from kit.faults.armed_positions import ArmedPositions
from kit.faults.limited_entries import LimitedEntries
from kit.gateway import durability_checks
from kit.gateway.processes import Gateway
from kit.load.command_load import CommandLoad
from kit.run_size import choose_size

TOTAL = 1000
ACCOUNTS = 20
WORKER_KILLS = choose_size(10, 100)
API_KILLS = 2


@pytest.mark.parametrize("database", ["sqlite", "mariadb"])
def test_commands_survive_process_kills(database: str, gateway_on: Any) -> None:
    quick = {"OMS_LEASE_SECONDS": "3", "OMS_PAPER_TICK_MS": "20"}
    gateway: Gateway = gateway_on(database, environment=quick)
    armed = ArmedPositions(gateway, batches=WORKER_KILLS + 1)
    limited = LimitedEntries(gateway, batches=len(range(0, WORKER_KILLS + API_KILLS, 2)))
    accounts = gateway.add_accounts(ACCOUNTS, position_mode="netting")
    victims = ["worker"] * WORKER_KILLS + ["api"] * API_KILLS
    victims.insert(4, victims.pop())  # One kill of the API among those of the worker.
    found: list[int] = []
    closes: list[int] = []
    entries: list[int] = []
    with CommandLoad(gateway.base_url, gateway.api_key, accounts, total=TOTAL) as storm, limited:
        for number_, victim in enumerate(victims, start=1):
            share = TOTAL * number_ // (len(victims) + 1)
            storm.allow(share + TOTAL // 40)
            storm.wait_until_busy(answered=share - TOTAL // 40)
            if victim == "worker" and not number_ % 2:
                armed.reach_next()
                limited.send_next()
            found.append(storm.wait_until_busy(answered=0))
            if victim == "worker" and number_ % 2:
                armed.reach_next()  # The last step: the closes are executed within milliseconds.
            gateway.kill(victim)
            closes.append(armed.unfinished_closes())
            entries.append(limited.take_unfinished())
        storm.finish()
    print(f"in flight at the kills: {found}; repeated requests: {storm.repeats}")
    print(f"triggered closes that were not executed at the kills: {closes}")
    print(f"entries under a limit that were not executed at the kills: {entries}")
    assert all(found), f"a kill found nothing in flight: {found}"
    assert storm.repeats > 0, "no request was interrupted: the test proves nothing"
    assert any(closes), "no kill came between a trigger and its close"
    assert any(entries), "no kill came while entries were checked against their limit"
    _check_answers(storm)
    armed.check()
    limited.check()
    _check_books(gateway.dsn)
    durability_checks.check_deals(gateway.dsn)
    durability_checks.check_numbers(gateway.dsn)
    verdict = gateway.verify()
    assert verdict["ok"], json.dumps(verdict)[:2000]


def _check_answers(storm: CommandLoad) -> None:
    assert len(storm.results) == TOTAL
    lost = {key: r for key, r in storm.results.items() if r["status"] != "done"}
    assert not lost, f"{len(lost)} commands did not end done: {list(lost.items())[:3]}"


def _check_books(dsn: str) -> None:
    storms = "request_id LIKE 'load-%'"
    assert fetch_number(dsn, f"SELECT COUNT(*) FROM oms_commands WHERE {storms}") == TOTAL
    assert (
        fetch_number(dsn, f"SELECT COUNT(*) FROM oms_commands WHERE {storms} AND status='done'")
        == TOTAL
    )
    twice = """SELECT command_id, COUNT(*) FROM oms_orders
               GROUP BY command_id HAVING COUNT(*) > 1"""
    assert fetch_rows(dsn, twice) == []
    assert fetch_number(dsn, "SELECT COUNT(*) FROM oms_orders WHERE status='FILLED'") >= TOTAL
