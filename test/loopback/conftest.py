"""One loopback exchange for each file, as at its start before each test."""

from collections.abc import Iterator

import ccxt
import pytest

from kit.exchanges.loopback_process import LoopbackExchange, run_loopback


@pytest.fixture(scope="module")
def process() -> Iterator[LoopbackExchange]:
    """A running process."""
    with run_loopback() as running:
        yield running


@pytest.fixture
def venue(process: LoopbackExchange) -> LoopbackExchange:
    """The process, as at its start."""
    process.control("reset")
    return process


@pytest.fixture
def bybit(venue: LoopbackExchange) -> ccxt.bybit:
    """An unmodified ``ccxt.bybit`` that reaches it by URLs."""
    exchange = ccxt.bybit(venue.config())
    exchange.set_sandbox_mode(True)
    return exchange
