"""The check reads MariaDB as it reads SQLite."""

import uuid
from typing import Any

from kit.mariadb import PrivateMariaDB
from kit.office import open_office
from kit.sql import change
from oms.cli.verify import verified
from oms.config import Settings

PRICE = "50000"


async def test_mariadb_is_checked_alike(mariadb: PrivateMariaDB) -> None:
    name = f"verify_{uuid.uuid4().hex[:12]}"
    mariadb.create_database(name)
    dsn = mariadb.dsn(name, "asyncmy")
    settings = Settings()
    async with open_office(dsn, settings) as office:
        office.start_worker()
        body = {"account_id": office.account_id, "symbol": "BTC/USDT:USDT", "price": PRICE}
        assert (await office.client("POST", "/paper/price", body)).status == 200
        orders: list[Any] = [
            office.command(qty=qty, side=side)
            for qty, side in (("0.03", "buy"), ("0.007", "sell"), ("0.05", "sell"), ("0.01", "buy"))
        ]
        answer = await office.client("POST", "/oms/commands?wait_ms=10000", orders)
        assert [row["status"] for row in answer.json()["results"]] == ["done"] * len(orders)
        healthy = await verified(office.store, settings)
        assert healthy["ok"] is True, healthy
        assert healthy["accounts"][0]["events"] > len(orders)
        change(dsn, "UPDATE oms_positions SET cost_exact = '1/3' WHERE state = 'open'")
        broken = await verified(office.store, settings)
    (account,) = broken["accounts"]
    assert [finding["invariant"] for finding in account["findings"]] == ["position_cost"]
    mariadb.drop_database(name)
