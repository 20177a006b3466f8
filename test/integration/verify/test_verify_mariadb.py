"""Verification on MariaDB equals that on SQLite."""

import uuid
from typing import Any

from kit.databases.mariadb import PrivateMariaDB
from kit.databases.sql import execute
from kit.gateway.in_process import open_gateway
from oms.cli.verify import build_verify_report
from oms.config import Settings

PRICE = "50000"


async def test_verification_on_mariadb(mariadb: PrivateMariaDB) -> None:
    name = f"verify_{uuid.uuid4().hex[:12]}"
    mariadb.create_database(name)
    dsn = mariadb.dsn(name, "asyncmy")
    settings = Settings()
    async with open_gateway(dsn, settings) as gateway:
        gateway.start_worker()
        body = {"account_id": gateway.account_id, "symbol": "BTC/USDT:USDT", "price": PRICE}
        assert (await gateway.client("POST", "/paper/price", body)).status == 200
        unknown = await gateway.order("?wait_ms=10000", strategy_id=987_654)
        assert unknown.detail["code"] == "invalid_strategy_id"
        orders: list[Any] = [
            gateway.command(qty=qty, side=side)
            for qty, side in (("0.03", "buy"), ("0.007", "sell"), ("0.05", "sell"), ("0.01", "buy"))
        ]
        answer = await gateway.client("POST", "/oms/commands?wait_ms=10000", orders)
        assert [row["status"] for row in answer.json()["results"]] == ["done"] * len(orders)
        healthy = await build_verify_report(gateway.store, settings)
        assert healthy["ok"] is True, healthy
        assert healthy["accounts"][0]["events"] > len(orders)
        execute(dsn, "UPDATE oms_positions SET cost_exact = '1/3' WHERE state = 'open'")
        broken = await build_verify_report(gateway.store, settings)
    (account,) = broken["accounts"]
    assert [finding["invariant"] for finding in account["findings"]] == ["position_cost"]
    mariadb.drop_database(name)
