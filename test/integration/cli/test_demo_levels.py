"""Levels that the demo gives to open positions, whatever their prices have become."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kit.gateway.in_process import InProcessGateway, open_gateway
from oms.cli.demo.past_trading import PastTrading
from oms.cli.demo.planned_trades import HEDGE
from oms.cli.demo.present_state import protect_positions
from oms.cli.demo.registry import DemoRegistry
from oms.config import Settings

BTC = "BTC/USDT:USDT"


class RequestsOf:
    """Requests to a gateway of this process."""

    def __init__(self, gateway: InProcessGateway) -> None:
        self._gateway = gateway

    async def request(self, method: str, target: str, body: object = None, *, key: str) -> Any:
        """Return the JSON of a response, which must be 200."""
        answer = await self._gateway.client(method, target, body, key=key)
        assert answer.status == 200, answer.body
        return answer.json()


async def test_positions_far_from_their_entry_are_protected(tmp_path: Path) -> None:
    dsn = f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3"
    settings = Settings.model_validate({"access_cache_seconds": 0})
    async with open_gateway(dsn, settings) as gateway:
        gateway.start_worker()
        gateway.account_id = await gateway.add_account("hedge")
        key = await gateway.add_key("hedger", "oms_a-trader-of-hedged-positions")
        await gateway.set_price(BTC, "50000", key=key)
        for side in ("sell", "buy", "sell"):
            order = gateway.command(side=side, new_position=True)
            sent = await gateway.client("POST", "/oms/commands?wait_ms=5000", order, key=key)
            assert sent.status == 200, sent.body
        # The long has lost more than 12 %, the shorts have gained more than 20 %.
        await gateway.set_price(BTC, "36000", key=key)
        trading = PastTrading(
            gateway=RequestsOf(gateway),  # type: ignore[arg-type]
            registry=DemoRegistry(
                account_ids={HEDGE: gateway.account_id},
                strategy_ids={},
                keys={"trader": key},
                passwords={},
            ),
            start=datetime.now(UTC) - timedelta(days=40),
            history=timedelta(days=40),
        )
        await protect_positions(trading)
        path = f"/oms/positions/open?account_ids={gateway.account_id}"
        rows = (await gateway.client.get(path, key=key))["items"]
    levels = {row["side"]: (row["stop_loss"], row["stop_gain"]) for row in rows[1:]}
    assert [row["protection"] == "none" for row in rows] == [False] * 3
    assert levels == {"buy": ("31680", None), "sell": (None, "28800")}
