"""Dead-man switches of real processes: the client is killed, and with it API or worker.

Entries are canceled once, by one firing of the switch, at the deadline; where the worker was killed
as well, as soon as its successor has the leases, and not a timeout later.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from kit.databases.sql import fetch_rows
from kit.gateway.processes import Gateway
from kit.http.client import call, get
from kit.machine_load import LoadMeter
from kit.polling import wait_until

TIMEOUT_SECONDS = 5
LATE_SECONDS_MAX = 2.0
"""How much later than its deadline a switch may fire while all processes run (check K5)."""
BACK_SECONDS_MAX = 30.0
LONG_LEASE_SECONDS = 8
"""A lease that ends after the deadline."""
TAKEOVER_SECONDS_MAX = 3.0
"""How long after the end of the lease another worker has taken it, looked, and canceled."""
ORDERS = 3
HOLDER = "holder"
"""The worker that looks at the switches."""
#: What is killed together with the client.
VICTIMS: dict[str, tuple[tuple[str, ...], ...]] = {
    "sqlite": ((), ("api",), ("worker",), ("worker", "api")),
    "mariadb": ((), ("worker", "api")),
}

#: Arms a switch over its connection and beats by pings until it is killed.
CLIENT = """
import asyncio, json, sys
from websockets.asyncio.client import connect

async def main(url, key, account_id, seconds):
    async with connect(url) as socket:
        async def ask(action, payload, **more):
            frame = {"id": action, "action": action, "payload": payload, **more}
            await socket.send(json.dumps(frame))
            while (answer := json.loads(await socket.recv())).get("id") != action:
                pass
            return answer
        await ask("auth", {"api_key": key})
        body = {"account_ids": [account_id], "timeout_seconds": seconds, "action": "cancel_entries"}
        armed = await ask("arm_deadman", body, namespace="risk")
        print(json.dumps(armed["payload"]), flush=True)
        while True:
            await asyncio.sleep(0.2)
            await ask("ping", {})

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
"""


class ClientProcess:
    """A program that keeps a switch armed, in a process of its own."""

    def __init__(self, gateway: Gateway, folder: Path) -> None:
        program = folder / "client.py"
        program.write_text(CLIENT, encoding="utf-8")
        url = gateway.base_url.replace("http", "ws") + "/ws"
        account = str(gateway.netting_account_id)
        self._process = subprocess.Popen(
            [sys.executable, str(program), url, gateway.api_key, account, str(TIMEOUT_SECONDS)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.switch_id: int = json.loads(self._process.stdout.readline())["id"]

    def kill(self) -> None:
        """SIGKILL it; a killed one is left alone."""
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


def _switch(gateway: Gateway, switch_id: int) -> dict[str, Any]:
    rows = get(gateway, "/risk/deadman?active=false")["items"]
    row: dict[str, Any] = next(each for each in rows if each["id"] == switch_id)
    return row


def _rest(gateway: Gateway) -> list[int]:
    """Place entries far from the market; return their ids."""
    order = {"symbol": "BTC/USDT:USDT", "side": "buy", "order_type": "limit", "qty": "0.01"}
    commands = [
        {
            "account_id": gateway.netting_account_id,
            "command": "send_order",
            "payload": {**order, "price": str(20000 + number)},
        }
        for number in range(ORDERS)
    ]
    status, answer, _ = call(gateway, "POST", "/oms/commands?wait_ms=9000", commands)
    assert status == 200, answer
    return [row["order_id"] for row in answer["results"]]


def _states(gateway: Gateway, order_ids: list[int]) -> set[str]:
    ids = ", ".join(map(str, order_ids))
    return {
        row[0]
        for row in fetch_rows(gateway.dsn, f"SELECT state FROM oms_orders WHERE id IN ({ids})")
    }


@pytest.mark.parametrize("database", ["sqlite", "mariadb"])
def test_entries_of_a_killed_client_are_canceled_once(
    database: str, gateway_on: Any, tmp_path: Path
) -> None:
    gateway: Gateway = gateway_on(database, environment={"OMS_LEASE_SECONDS": "3"})
    took = {victims: _cancel_by_kills(gateway, tmp_path, victims) for victims in VICTIMS[database]}
    print(f"seconds from the kills to the cancels, by what was killed with the client: {took}")
    assert took[()] < TIMEOUT_SECONDS + LATE_SECONDS_MAX
    verdict = gateway.verify()
    assert verdict["ok"], json.dumps(verdict)[:2000]


def test_another_worker_fires_once_the_lease_of_a_killed_one_has_ended(
    gateway_on: Any, tmp_path: Path
) -> None:
    """A fresh timeout after the takeover would be ``TIMEOUT_SECONDS`` more."""
    environment = {"OMS_LEASE_SECONDS": str(LONG_LEASE_SECONDS)}
    gateway: Gateway = gateway_on("sqlite", workers=2, environment=environment)
    with LoadMeter() as load:
        took = _cancel_by_kills(gateway, tmp_path, (HOLDER,))
    print(f"seconds from the kills to the cancels: {took}")
    assert took < LONG_LEASE_SECONDS + load.stretch(TAKEOVER_SECONDS_MAX)
    assert gateway.verify()["ok"]


def _kill(gateway: Gateway, victim: str) -> None:
    if victim != HOLDER:
        gateway.kill(victim)
        return
    query = "SELECT owner FROM account_leases WHERE account_id = 0"
    os.kill(gateway.pid_of_owner(fetch_rows(gateway.dsn, query)[0][0]), signal.SIGKILL)


def _cancel_by_kills(gateway: Gateway, folder: Path, victims: tuple[str, ...]) -> float:
    """Kill a client that beats, and the victims; return the seconds until entries are canceled."""
    gateway.wait_until_ready()
    order_ids = _rest(gateway)
    client = ClientProcess(gateway, folder)
    try:
        switch_id = client.switch_id
        armed_at = _switch(gateway, switch_id)["beat_at"]
        wait_until(lambda: _switch(gateway, switch_id)["beat_at"] > armed_at, 10, "a stored beat")
    finally:
        client.kill()
    assert _states(gateway, order_ids) == {"SUBMITTED"}, "beats keep the entries"
    killed_at = time.monotonic()
    for victim in victims:
        _kill(gateway, victim)
    wait_until(
        lambda: _states(gateway, order_ids) == {"CANCELED"},
        TIMEOUT_SECONDS + BACK_SECONDS_MAX,
        f"canceled entries after the end of {('client', *victims)}",
    )
    took = time.monotonic() - killed_at
    gateway.wait_until_ready()
    assert _switch(gateway, switch_id)["state"] == "fired"
    _check_once(gateway, switch_id, order_ids)
    return round(took, 1)


def _check_once(gateway: Gateway, switch_id: int, order_ids: list[int]) -> None:
    """The switch fired once: one command, one event, and one cancel of each order."""
    fired = f"request_id LIKE 'oms:deadman:{switch_id}:%'"
    commands = fetch_rows(gateway.dsn, f"SELECT status FROM oms_commands WHERE {fired}")
    assert [tuple(row) for row in commands] == [("done",)]
    path = f"/oms/events?account_ids={gateway.netting_account_id},0&limit=1000"
    events = get(gateway, path)["items"]
    own = [each for each in events if each["event"] == "deadman_fired"]
    assert [each["payload"]["deadman_id"] for each in own].count(switch_id) == 1
    canceled = [each["payload"]["order_id"] for each in events if each["event"] == "order_canceled"]
    assert {order_id: canceled.count(order_id) for order_id in order_ids} == dict.fromkeys(
        order_ids, 1
    )
