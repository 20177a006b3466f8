"""Each loop of a worker goes on after an error in a round, which is logged, counted and shown."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from kit.gateway.in_process import InProcessGateway, start_trading
from kit.polling import poll_until
from oms.domain.errors import Unavailable
from oms.worker.main import Worker

#: Rounds of ``Worker`` by the name of their loop.
ROUNDS = {
    "drain": "_drain_round",
    "leases": "_lease_round",
    "housekeeping": "_housekeeping_round",
    "deadman": "_deadman_round",
    "equity": "_equity_round",
    "timers": "_timer_round",
}


def _fail_once(monkeypatch: pytest.MonkeyPatch, loop: str, calls: Counter[str]) -> None:
    name = ROUNDS[loop]
    round_of: Callable[..., Any] = getattr(Worker, name)

    async def failing(worker: Worker, stop: asyncio.Event) -> None:
        calls[loop] += 1
        if calls[loop] == 1:
            raise RuntimeError(f"a bug of {loop}")
        await round_of(worker, stop)

    monkeypatch.setattr(Worker, name, failing)


async def test_a_loop_that_fails_goes_on_and_is_counted(
    gateway: InProcessGateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls: Counter[str] = Counter()
    for loop in ROUNDS:
        _fail_once(monkeypatch, loop, calls)

    await start_trading(gateway)

    async def all_repeated() -> bool:
        return all(calls[loop] > 1 for loop in ROUNDS)

    await poll_until(all_repeated, bool, 10)
    logged = {record.getMessage() for record in caplog.records}
    assert {f"loop_failed loop={loop}" for loop in ROUNDS} <= logged

    async def counted() -> set[str]:
        answer = await gateway.client("GET", "/dispatcher/status")
        workers = (
            answer.json()["result"]["workers"] if answer.status == 200 else []
        )  # 503: no heartbeat yet
        return {loop for worker in workers for loop in worker["loop_restarts"]}

    await poll_until(counted, lambda loops: loops == ROUNDS.keys(), 10)
    part = (await gateway.client.get("/health"))["parts"]["worker_loops"]
    assert (part["ok"], part["value"]) == (False, len(ROUNDS))
    answer = await gateway.order("?wait_ms=8000")
    assert answer.json()["results"][0]["order"]["status"] == "FILLED"


@pytest.mark.parametrize("error", [Unavailable("no database"), RuntimeError("a bug")])
async def test_a_worker_that_cannot_prepare_exchanges_executes_orders(
    gateway: InProcessGateway, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    calls: list[str] = []

    async def fail() -> None:
        calls.append("prepare")
        raise error

    gateway.worker.prepare = fail
    await start_trading(gateway)
    answer = await gateway.order("?wait_ms=8000")
    assert answer.json()["results"][0]["order"]["status"] == "FILLED"
    assert calls == ["prepare"]
    assert "exchanges_not_prepared" in caplog.text


async def test_a_worker_stops_while_it_prepares_exchanges(gateway: InProcessGateway) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    gateway.worker.prepare = hang
    gateway.start_worker()
    async with asyncio.timeout(10):
        await started.wait()
        await gateway.stop_worker()
    assert ended.is_set()
