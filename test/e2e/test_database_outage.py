"""The database is unavailable under load: clear retryable errors or results, nothing lost."""

from typing import Any

from kit.databases.sql import connect, fetch_number
from kit.gateway.processes import Gateway
from kit.http.client import call
from kit.load.command_load import CommandLoad
from kit.polling import wait_until

TOTAL = 400


def test_mariadb_killed_and_restarted_under_load(gateway_on: Any) -> None:
    gateway: Gateway = gateway_on("mariadb")
    accounts = gateway.add_accounts(8, position_mode="netting")
    with CommandLoad(gateway.base_url, gateway.api_key, accounts, total=TOTAL) as storm:
        storm.allow(TOTAL // 2)
        assert storm.wait_until_busy(answered=TOTAL // 4)
        gateway.mariadb.kill()
        wait_until(lambda: storm.problems, 20, "a client met the outage")
        _refused_as_retryable(gateway)
        gateway.mariadb.restart()
        storm.finish()
    assert {result["status"] for result in storm.results.values()} == {"done"}
    assert (
        fetch_number(gateway.dsn, "SELECT COUNT(*) FROM oms_commands WHERE status='done'") >= TOTAL
    )
    assert gateway.verify()["ok"]


def test_a_locked_sqlite_answers_503(gateway_on: Any) -> None:
    gateway: Gateway = gateway_on("sqlite")
    with connect(gateway.dsn) as other:
        other.isolation_level = None
        other.execute("BEGIN IMMEDIATE")
        _refused_as_retryable(gateway)
        other.execute("ROLLBACK")
    status, body, _ = call(gateway, "POST", "/oms/commands", _order(gateway))
    assert (status, body["results"][0]["status"]) == (200, "done")


def _refused_as_retryable(gateway: Gateway) -> None:
    """An order sent now is refused as retryable, with a Retry-After header."""
    status, body, headers = call(gateway, "POST", "/oms/commands", _order(gateway))
    detail = body["detail"]
    assert (status, detail["code"], detail["retryable"]) == (503, "database_unavailable", True)
    assert detail["outcome"] == "not_sent"
    assert int(headers["retry-after"]) >= 1


def _order(gateway: Gateway) -> dict[str, object]:
    payload = {"symbol": "BTC/USDT:USDT", "side": "buy", "order_type": "market", "qty": "0.01"}
    return {
        "account_id": gateway.netting_account_id,
        "command": "send_order",
        "payload": payload,
    }
