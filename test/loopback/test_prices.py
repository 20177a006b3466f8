"""Moving prices: the random walk, and a recording."""

import gzip
from pathlib import Path

import ccxt

from kit.exchanges.loopback_process import LoopbackExchange, run_loopback
from kit.polling import wait_until

LINEAR = "BTC/USDT:USDT"


def client(running: LoopbackExchange) -> ccxt.bybit:
    """Returns an unmodified client with loaded markets."""
    exchange = ccxt.bybit(running.config())
    exchange.set_sandbox_mode(True)
    exchange.load_markets()
    return exchange


def test_the_walk_moves_prices_and_books() -> None:
    with run_loopback("--walk", "--seed=7", "--balance=USDT=5000", "--balance=BTC=1") as running:
        exchange = client(running)
        first = exchange.fetch_order_book(LINEAR)
        wait_until(
            lambda: exchange.fetch_order_book(LINEAR)["bids"] != first["bids"], 10, "a new book"
        )
        assert len(exchange.fetch_order_book(LINEAR)["asks"]) == 10
        assert exchange.fetch_balance()["BTC"]["free"] == 1


def test_a_recording_is_replayed(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl.gz"
    lines = [
        f'{{"do": "quote", "at": "2024-08-08T00:00:00.{tenth}00000+00:00", "symbol": "{LINEAR}", '
        f'"bid": "5000{tenth}", "ask": "5000{tenth}.1"}}'
        for tenth in range(5)
    ]
    tape.write_bytes(gzip.compress("\n".join(lines).encode()))
    with run_loopback(f"--replay={LINEAR}={tape}") as running:
        exchange = client(running)
        wait_until(lambda: exchange.fetch_ticker(LINEAR)["bid"] == 50004, 10, "the last price")
