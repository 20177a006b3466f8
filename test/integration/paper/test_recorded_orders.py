"""Finished orders, read from what a gateway has stored."""

from pathlib import Path

from kit.gateway.in_process import now, open_gateway
from oms.adapters.paper.paper_exchange import PaperExchange


async def test_finished_orders_come_from_the_store(tmp_path: Path) -> None:
    async with open_gateway(f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3") as gateway:
        gateway.start_worker()
        price = {"account_id": gateway.account_id, "symbol": "BTC/USDT:USDT", "price": "50000"}
        assert (await gateway.client("POST", "/paper/price", price)).status == 200
        assert (await gateway.order(qty="0.02")).status == 200
        placed = await gateway.order(order_type="limit", price="40000")
        order_id = placed.json()["results"][0]["order_id"]
        cancel = {"command": "cancel_order", "payload": {"order_id": order_id}}
        assert (await gateway.client("POST", "/oms/commands", cancel)).status == 200
        assert (await gateway.order(order_type="limit", price="41000")).status == 200
        await gateway.stop_worker()
        store = gateway.store
        (row,) = await store.registry.accounts([gateway.account_id])
        state = await store.verification_reads.paper_exchange_state(gateway.account_id)
        exchange = PaperExchange.restore(row.account, state, history=store.history)

        async def ids(func: str) -> list[object]:
            orders = await exchange.call(func, ["BTC/USDT:USDT"], {}, now())
            assert isinstance(orders, list)
            return [order["id"] for order in orders]

        assert await ids("fetch_closed_orders") == ["o1"]
        assert await ids("fetch_canceled_orders") == ["o2"]
        assert await ids("fetch_open_orders") == ["o3"]
        assert await ids("fetch_orders") == ["o1", "o2", "o3"]
        assert await ids("fetch_my_trades") == ["t1"]
