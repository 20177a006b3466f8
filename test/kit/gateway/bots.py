"""Bots of a test: candles that close when the test says so, and runners with short rounds."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.gateway.in_process import InProcessGateway
from kit.polling import poll_until
from oms.bootstrap import build_signal_vault
from oms.bootstrap.runner_process import wire_runner
from oms.domain.market.candle import Candle
from oms.domain.market.candle_rows import CandleRow, CandleSource
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.ports.audit_log import AuditContext
from oms.ports.market.candle_store import CandleSeries
from oms.runner import bots as bot_tasks
from oms.runner import main as runner_main
from oms.runner.main import Runner
from oms.services.bots import closed_candles

SYMBOL = "BTC/USDT:USDT"
ROUND = 0.02
#: Runners that stop give their leases back; on a slow machine none may expire before.
LEASE_SECONDS = 30.0
#: Averages of 1 and 2 closes: a higher close is long, a lower one ends it.
CROSS: dict[str, Any] = {"strategy": "sma_cross", "params": {"fast": 1, "slow": 2}}


@dataclass
class BotGateway:
    """A gateway with an instrument, whose candles of a minute are added one by one."""

    gateway: InProcessGateway
    stack: AsyncExitStack
    instrument: MarketInstrument
    strategy_id: int
    timeframe: Timeframe = Timeframe.MINUTE
    #: Open time of the next candle.
    next_open: datetime = field(init=False)
    last_close: Decimal = Decimal(100)

    def __post_init__(self) -> None:
        minute = datetime.now(UTC).replace(second=0, microsecond=0)
        self.next_open = minute - 10 * timedelta(minutes=1)

    async def close_candles(self, *closes: str) -> None:
        """Store the next candles with these closes, each closed."""
        for close in closes:
            await self._store(Decimal(close))

    async def _store(self, close: Decimal) -> None:
        candle = Candle(
            open_time=self.next_open,
            open=self.last_close,
            high=max(self.last_close, close),
            low=min(self.last_close, close),
            close=close,
            volume=Decimal(1),
        )
        row = CandleRow(
            candle=candle,
            is_closed=True,
            source=CandleSource.EXCHANGE,
            updated_at=datetime.now(UTC),
        )
        series = CandleSeries(instrument_id=self.instrument.id, timeframe=self.timeframe)
        await self.gateway.store.candles.upsert(series, [row])
        self.next_open, self.last_close = self.timeframe.next_open(self.next_open), close

    def reach_present(self) -> None:
        """Let the next candle be the one that forms now: what it decides is not late."""
        self.next_open = datetime.now(UTC).replace(second=0, microsecond=0)

    async def create(self, **changes: Any) -> dict[str, Any]:
        """Create a bot; returns its row."""
        body = {
            "name": "cross",
            **CROSS,
            "account_id": self.gateway.account_id,
            "strategy_id": self.strategy_id,
            "symbols": [SYMBOL],
            "timeframe": self.timeframe.value,
            "sizing": {"kind": "qty", "value": "1"},
        }
        answer = await self.gateway.client("POST", "/bots", body | changes)
        assert answer.status == 200, answer.body
        return dict(answer.json())

    async def start(self, bot_id: int) -> dict[str, Any]:
        """Start a bot, and wait until it runs."""
        answer = await self.gateway.client("POST", f"/bots/{bot_id}/start")
        assert answer.status == 202, answer.body
        return await self.wait_for(bot_id, "running")

    async def stop(self, bot_id: int, positions: str = "keep") -> dict[str, Any]:
        """Stop a bot, and wait until it has."""
        body = {"positions": positions}
        answer = await self.gateway.client("POST", f"/bots/{bot_id}/stop", body)
        assert answer.status == 202, answer.body
        return await self.wait_for(bot_id, "stopped")

    async def show(self, bot_id: int) -> dict[str, Any]:
        """Return the row of a bot."""
        return dict(await self.gateway.client.get(f"/bots/{bot_id}"))

    async def figures(self, bot_id: int) -> dict[str, Any]:
        """Return the figures of a bot."""
        rows = (await self.gateway.client.get("/bots/figures"))["items"]
        return next(row for row in rows if row["bot_id"] == bot_id)

    async def wait_for(self, bot_id: int, status: str, seconds: float = 30) -> dict[str, Any]:
        """Return the row of a bot as soon as it has a status."""

        async def read() -> dict[str, Any]:
            return await self.show(bot_id)

        return await poll_until(read, lambda row: row["status"] == status, seconds)

    async def decisions(self, bot_id: int) -> list[dict[str, Any]]:
        """Return the decisions of a bot, the oldest first."""
        body = await self.gateway.client.get(f"/bots/{bot_id}/events?kind=decision")
        return list(reversed(body["items"]))

    async def wait_for_results(self, bot_id: int, results: Sequence[str]) -> list[dict[str, Any]]:
        """Return the decisions of a bot as soon as they have these results."""

        async def read() -> list[dict[str, Any]]:
            return await self.decisions(bot_id)

        return await poll_until(
            read, lambda rows: [row["result"] for row in rows] == [*results], 30
        )

    async def positions(self) -> list[str]:
        """Return the signed quantities of the open positions."""
        path = f"/oms/positions/open?account_ids={self.gateway.account_id}"
        body = await self.gateway.client.get(path)
        return [row["qty"] if row["side"] == "buy" else f"-{row['qty']}" for row in body["items"]]

    async def start_runner(self, name: str = "one") -> asyncio.Event:
        """Run a runner until the returned event is set, or the end of the test."""
        stop = asyncio.Event()
        work = asyncio.create_task(self.runner(name).run(stop))

        async def end() -> None:
            stop.set()
            await work

        self.stack.push_async_callback(end)
        return stop

    def runner(self, name: str) -> Runner:
        """Return a runner that is not started."""
        settings = self.gateway.api_context.settings.model_copy(
            update={"lease_seconds": LEASE_SECONDS}
        )
        return wire_runner(
            settings,
            self.gateway.store,
            name=name,
            signal_vault=build_signal_vault(settings),
            notifier=self.gateway.api_context.notifier,
            close=_close_nothing,
        )


@asynccontextmanager
async def open_bots(gateway: InProcessGateway) -> AsyncIterator[BotGateway]:
    """Yield a gateway with an instrument and a strategy, whose worker runs."""
    context = AuditContext(actor="test", at=datetime.now(UTC))
    instrument = await gateway.store.instruments.add(
        MarketInstrument(id=0, exchange="binance", symbol=SYMBOL, base="BTC", quote="USDT"),
        context,
    )
    body = {"name": "cross", "account_ids": [gateway.account_id]}
    strategy = (await gateway.client("POST", "/strategies", body)).json()["strategy_id"]
    gateway.start_worker()
    await gateway.set_price(SYMBOL, "100")
    async with AsyncExitStack() as stack:
        yield BotGateway(gateway, stack, instrument, strategy)


def shorten_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runners and bots look at what is new every few milliseconds."""
    for module, name in (
        (bot_tasks, "ROUND_SECONDS"),
        (closed_candles, "ROUND_SECONDS"),
        (runner_main, "ROUND_SECONDS_MAX"),
    ):
        monkeypatch.setattr(module, name, ROUND)
    monkeypatch.setattr(bot_tasks, "FLATTEN_AGAIN_SECONDS", ROUND)
    monkeypatch.setattr(bot_tasks, "HEARTBEAT_SECONDS", ROUND)


async def _close_nothing() -> None:
    """The store is closed with the gateway."""
