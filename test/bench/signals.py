"""Answers to alerts while no worker runs, and orders beside sinks that hang or fail.

    .venv/bin/python test/bench/run.py signals [--alerts 2000] [--orders 2000] [--databases mariadb]

An alert is stored and answered without a worker and without an exchange: its latency is compared
with that of a request that reads nothing, in the same run. Orders are sent one after the other, in
alternating rounds with sinks that answer and with sinks of which one hangs and one fails, then
beside a strategy that never returns and beside the same one stopped.
"""

import argparse
import asyncio
import contextlib
import http.client
import json
import queue
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.backtests.endless_strategy import environment_of, measure_beside_strategy
from bench.latency import percentile
from bench.processes import BenchError, await_condition
from kit.databases.mariadb import MariaDBFailed, PrivateMariaDB
from kit.databases.sql import fetch_number
from kit.gateway.processes import Gateway
from kit.http.client import call
from kit.notifications.sink_server import SinkServer, open_sink_server

DATABASE = "signals"
SENDERS = 4
ROUNDS = 10
SINKS = ("first", "second")
#: How many answers of a sink are scripted: more than a run sends messages.
ANSWERS = 100_000
ANSWER_MS_MAX = 500
Send = Callable[[http.client.HTTPConnection, int], None]


def main(arguments: Sequence[str]) -> int:
    """Runs the bench; returns the exit status: 1 if an answer took too long."""
    options = _options(arguments)
    is_fast = True
    for kind in options.databases:
        with tempfile.TemporaryDirectory(prefix="omssignals") as name, contextlib.ExitStack() as st:
            try:
                dsn = None
                if kind == "mariadb":
                    server = st.enter_context(PrivateMariaDB())
                    server.create_database(DATABASE)
                    dsn = server.dsn(DATABASE, driver="asyncmy")
                environment = {"OMS_NOTIFY_ALLOW_PRIVATE": "true"}
                environment |= environment_of(Path(name) / "strategies")
                # One session, as of `oms up`: Linux shares processors between sessions first.
                gateway = Gateway(
                    Path(name), dsn=dsn, workers=1, environment=environment, has_session=False
                )
                st.callback(gateway.stop)
                gateway.start()
                gateway.terminate("worker")
                answers, p99_ms = _measure_answers(gateway, options.alerts)
                sinks = st.enter_context(_sink_server())
                figures = answers | _measure_orders(gateway, sinks, options.orders)
            except (BenchError, MariaDBFailed) as error:
                print(f"bench: {error}", file=sys.stderr)
                return 2
        _print_figures(kind, figures)
        is_fast &= p99_ms < ANSWER_MS_MAX
    return 0 if is_fast else 1


def _measure_answers(gateway: Gateway, alerts: int) -> tuple[dict[str, str], float]:
    """Return the figures of answers without a worker, and their p99 in milliseconds."""
    source = _post(
        gateway,
        "/signals/sources",
        {
            "name": "bench",
            "kind": "tradingview",
            "account_id": gateway.account_id,
            "sizing": {"kind": "qty", "value": "0.01"},
            "rate_per_minute": 60_000,
        },
    )
    path = f"/signals/tradingview/{source['path_token']}"

    def alert(connection: http.client.HTTPConnection, number: int) -> None:
        message = {"ticker": "BTCUSDT.P", "action": "buy", "alert_id": f"a-{number}"}
        _request(connection, "POST", path, message, 202)

    def probe(connection: http.client.HTTPConnection, _: int) -> None:
        _request(connection, "GET", "/livez", None, 200)

    floor = _latencies(gateway, probe, alerts)
    answered = _latencies(gateway, alert, alerts)
    p50, p99 = percentile(answered, 0.5), percentile(answered, 0.99)
    return {
        f"alerts from {SENDERS} senders, no worker": str(alerts),
        "answer: p50, p99": f"{p50:.1f} ms, {p99:.1f} ms",
        "the same, as multiples of a request that reads nothing": (
            f"{p50 / percentile(floor, 0.5):.1f}, {p99 / percentile(floor, 0.99):.1f}"
        ),
    }, p99


def _measure_orders(gateway: Gateway, server: SinkServer, orders: int) -> dict[str, str]:
    """Return the figures of orders beside sinks, round by round in turn."""
    gateway.start_worker()
    runner = gateway.start_runner("bench")
    query = "SELECT COUNT(*) FROM oms_commands WHERE status IN ('queued', 'running')"
    await_condition(
        lambda: fetch_number(gateway.dsn, query) == 0, seconds=120, what="executed alerts"
    )
    (account_id,) = gateway.add_accounts(1, position_mode="netting")
    for name in SINKS:
        sink = {"name": name, "kind": "webhook", "url": server.url(f"/{name}")}
        _post(gateway, "/notifications/sinks", sink)

    def order(connection: http.client.HTTPConnection, number: int) -> None:
        terms = {"symbol": "BTC/USDT:USDT", "order_type": "market", "qty": "0.01"}
        payload = terms | {"side": "sell" if number % 2 else "buy"}
        body = {"account_id": account_id, "command": "send_order", "payload": payload}
        _request(connection, "POST", "/oms/commands?wait_ms=10000", body, 200, gateway.api_key)

    _latencies(gateway, order, 20, senders=1)
    found: dict[str, list[Sequence[float]]] = {"answering": [], "hanging and failing": []}
    for number in range(2 * ROUNDS):
        name = list(found)[(number + number // 2) % 2]
        _script(server, () if name == "answering" else (0, 500))
        found[name].append(_latencies(gateway, order, orders // ROUNDS, senders=1))
    _script(server, ())
    messages = _await_messages(gateway, account_id)
    figures = {
        f"orders, sinks {name}: p50, p99": f"{_median(rounds, 0.5):.1f} ms, "
        f"{_median(rounds, 0.99):.1f} ms"
        for name, rounds in found.items()
    }
    before, beside = found.values()
    ratios = [_median(beside, share) / _median(before, share) for share in (0.5, 0.99)]
    figures["ratio: p50, p99"] = f"{ratios[0]:.2f}, {ratios[1]:.2f}"
    figures["messages of deals: stored to be sent, lost"] = f"{messages}, 0"
    return figures | measure_beside_strategy(
        gateway, runner, ROUNDS, lambda: _latencies(gateway, order, orders // ROUNDS, senders=1)
    )


def _median(rounds: Sequence[Sequence[float]], share: float) -> float:
    return statistics.median(percentile(values, share) for values in rounds)


def _script(server: SinkServer, statuses: Sequence[int]) -> None:
    """Let the sinks answer with these statuses from now on; none: with 200."""
    for name, status in zip(SINKS, statuses or (200, 200), strict=True):
        server.statuses[f"/{name}"] = [status] * ANSWERS


def _await_messages(gateway: Gateway, account_id: int) -> int:
    """Wait until each deal has one stored message to each sink; returns how many there are."""
    stored = (
        "SELECT COUNT(*) FROM notification_deliveries"
        f" WHERE event = 'deal_created' AND account_id = {account_id} AND status <> 'dead'"
    )
    deals = f"SELECT COUNT(*) FROM oms_deals WHERE account_id = {account_id}"
    wanted = len(SINKS) * fetch_number(gateway.dsn, deals)
    await_condition(
        lambda: fetch_number(gateway.dsn, stored) == wanted, seconds=60, what=f"{wanted} messages"
    )
    return wanted


def _latencies(gateway: Gateway, send: Send, count: int, senders: int = SENDERS) -> list[float]:
    """Send ``count`` requests over kept connections; returns milliseconds of each."""

    def run(first: int) -> list[float]:
        found = []
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", gateway.port)) as link:
            for number in range(first, count, senders):
                started = time.perf_counter()
                send(link, number)
                found.append((time.perf_counter() - started) * 1000)
        return found

    with ThreadPoolExecutor(senders) as pool:
        return [each for part in pool.map(run, range(senders)) for each in part]


def _request(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: object,
    status: int,
    key: str | None = None,
) -> None:
    text = None if body is None else json.dumps(body)
    headers = {"content-type": "application/json"} | ({} if key is None else {"x-api-key": key})
    connection.request(method, path, text, headers)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != status:
        raise BenchError(f"{method} {path.partition('?')[0]}: {answer.status} {content[:300]!r}")


@contextlib.contextmanager
def _sink_server() -> Iterator[SinkServer]:
    """Run a receiver in a thread of its own; answers that hang are broken off at the end."""
    started: queue.SimpleQueue[tuple[SinkServer, asyncio.AbstractEventLoop]] = queue.SimpleQueue()
    stop = asyncio.Event()

    async def serve() -> None:
        async with open_sink_server() as server:
            started.put((server, asyncio.get_running_loop()))
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    server, loop = started.get()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def _post(gateway: Gateway, path: str, body: Mapping[str, object]) -> Any:
    status, answer, _ = call(gateway, "POST", path, body, key=gateway.admin_api_key)
    if status >= 300:
        raise BenchError(f"POST {path}: {status} {answer}")
    return answer


def _get(gateway: Gateway, path: str) -> Any:
    return call(gateway, "GET", path, key=gateway.admin_api_key)[1]


def _print_figures(kind: str, figures: Mapping[str, str]) -> None:
    print(f"\n## Signals and sinks on {kind}\n\n| figure | measured |\n|---|---|")
    for name, text in figures.items():
        print(f"| {name} | {text} |")


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.py signals", description=__doc__)
    parser.add_argument("--alerts", type=int, default=2000)
    parser.add_argument("--orders", type=int, default=2000)
    kinds = ("mariadb", "sqlite")
    parser.add_argument("--databases", nargs="+", choices=kinds, default=list(kinds))
    return parser.parse_args(arguments)
