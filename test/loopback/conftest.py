"""One loopback exchange per test file, reset before each test."""

from collections.abc import Iterator

import ccxt
import pytest

from kit.exchanges.loopback_process import LoopbackExchange, run_loopback


@pytest.fixture(scope="module")
def process() -> Iterator[LoopbackExchange]:
    """Yields a running process."""
    with run_loopback() as running:
        yield running


@pytest.fixture
def venue(process: LoopbackExchange) -> LoopbackExchange:
    """Returns the process in its initial state."""
    process.control("reset")
    return process


@pytest.fixture
def bybit(venue: LoopbackExchange) -> ccxt.bybit:
    """Returns an unmodified ``ccxt.bybit`` with URLs of the process."""
    exchange = ccxt.bybit(venue.config())
    exchange.set_sandbox_mode(True)
    return exchange
