"""1 000 commands over 20 accounts from 8 clients while worker and API are killed.

Every kill must find requests in flight (the test counts them). Clients repeat what was not answered
under the same request_id. In the end every command is `done` exactly once, no deal is booked twice,
and the event numbers have no gaps.
"""

import json
from typing import Any

import pytest

from kit.databases.sql import fetch_number, fetch_rows
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
    gateway: Gateway = gateway_on(database, environment={"OMS_LEASE_SECONDS": "3"})
    accounts = gateway.add_accounts(ACCOUNTS, position_mode="netting")
    storm = CommandLoad(gateway.base_url, gateway.api_key, accounts, total=TOTAL)
    storm.start()
    victims = ["worker"] * WORKER_KILLS + ["api"] * API_KILLS
    victims.insert(4, victims.pop())  # One kill of the API among those of the worker.
    found: list[int] = []
    for number_, victim in enumerate(victims, start=1):
        share = TOTAL * number_ // (len(victims) + 1)
        storm.allow(share + TOTAL // 40)
        found.append(storm.wait_until_busy(answered=share - TOTAL // 40))
        gateway.kill(victim)
    storm.finish()
    print(f"in flight at the kills: {found}; repeated requests: {storm.repeats}")
    assert all(found), f"a kill found nothing in flight: {found}"
    assert storm.repeats > 0, "no request was interrupted: the test proves nothing"
    _check_answers(storm)
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
