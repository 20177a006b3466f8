"""Progress and end of backtests over a TCP socket: for their users, and for operators."""

from integration.websocket.conftest import KEY, ServedGateway
from kit.backtests.execution import execute_queued, store_series
from kit.backtests.golden_run import golden_candles
from kit.gateway.in_process import ADMIN_KEY
from kit.http.websocket_client import connect_client
from oms.domain.market.market_instrument import MarketInstrument

REQUEST = {
    "strategy": "sma_cross",
    "params": {"fast": 2, "slow": 4},
    "exchange": "binance",
    "symbol": "BTC/USDT",
    "timeframe": "1h",
}
OTHER_KEY = "oms_another-trader-for-tests"


async def test_users_get_the_events_of_their_own_backtests(served: ServedGateway) -> None:
    gateway = served.gateway
    instrument = MarketInstrument(
        id=0, exchange="binance", symbol="BTC/USDT", base="BTC", quote="USDT"
    )
    await store_series(gateway.store, golden_candles(), instrument)
    await gateway.add_key("other", OTHER_KEY)
    payload = {"account_ids": [served.account_id], "with_snapshot": False}
    namespaces = {"namespaces": ["research", "position"]}
    async with (
        connect_client(served.url, KEY) as own,
        connect_client(served.url, OTHER_KEY) as other,
        connect_client(served.url, ADMIN_KEY) as admin,
    ):
        for client in (own, other, admin):
            await client.send("subscribe", payload | namespaces)
            await client.receive_event("subscribed")
        response = await gateway.client("POST", "/backtests", REQUEST)
        run_id = response.json()["run_id"]
        progress = await own.receive_event("backtest_progress")
        assert (progress["namespace"], progress["payload"]["run_id"]) == ("research", run_id)
        assert {"done", "total", "rate", "eta_s", "status"} <= set(progress["payload"])
        await execute_queued(gateway.store, served.dsn)
        for client in (own, admin):
            done = (await client.receive_event("backtest_done"))["payload"]
            assert (done["run_id"], done["status"]) == (run_id, "done")
            assert done["summary"]["total_return"].startswith("-304.784118936")
        await served.trade()
        await other.receive_event("position_updated")
        assert not [frame for frame in other.frames if frame["event"].startswith("backtest_")]
