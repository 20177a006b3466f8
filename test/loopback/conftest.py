"""One loopback exchange for each file, as at its start before each test."""

from collections.abc import Iterator

import ccxt
import pytest

from kit.loopback import Loopback, loopback


@pytest.fixture(scope="module")
def process() -> Iterator[Loopback]:
    """A running process."""
    with loopback() as running:
        yield running


@pytest.fixture
def venue(process: Loopback) -> Loopback:
    """The process, as at its start."""
    process.ctl("reset")
    return process


@pytest.fixture
def bybit(venue: Loopback) -> ccxt.bybit:
    """An unmodified ``ccxt.bybit`` that reaches it by URLs."""
    exchange = ccxt.bybit(venue.config())
    exchange.set_sandbox_mode(True)
    return exchange
