"""What ccxt logs at DEBUG and with ``verbose``: never a key, a secret or a signature."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from kit.exchanges.loopback_process import LoopbackExchange
from oms import logs
from oms.adapters.ccxt.client.venue_client import VenueClient

Opened = Callable[..., Awaitable[VenueClient]]
SYMBOL = "BTC/USDT:USDT"
SIGNATURE = re.compile(r"[0-9a-f]{64}")


@contextmanager
def debug_logging() -> Iterator[None]:
    """The gateway's logging at DEBUG, also where a library sets its own logger to DEBUG."""
    root, own, library = (logging.getLogger(name) for name in (None, "oms", "ccxt"))
    saved = (root.handlers, root.level, own.level, library.level)
    logs.setup("debug")
    library.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.handlers = saved[0]
        root.setLevel(saved[1])
        own.setLevel(saved[2])
        library.setLevel(saved[3])


@pytest.mark.parametrize("dialect", ["bybit", "binance"])
async def test_requests_are_logged_without_secrets(
    venue: LoopbackExchange,
    opened: Opened,
    capsys: pytest.CaptureFixture[str],
    dialect: str,
) -> None:
    with debug_logging():
        client = await opened(dialect, engine="ccxtpro")
        client.exchange.verbose = True
        await client.read("fetch_balance")
        await client.write("create_order", SYMBOL, "limit", "buy", "0.1", "50000")
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await client.watch("watch_orders", {})
    output = "".join(capsys.readouterr())
    assert "fetch Request" in output and "Response" in output, "ccxt's own lines are logged"
    assert venue.startup["keys"]["loop-a"] not in output
    assert "loop-a" not in output
    assert SIGNATURE.search(output) is None


async def test_a_secret_of_a_client_is_redacted_in_every_line(
    opened: Opened, capsys: pytest.CaptureFixture[str], venue: LoopbackExchange
) -> None:
    secret = venue.startup["keys"]["loop-a"]
    with debug_logging():
        await opened()
        logging.getLogger("oms.some.part").info("request_failed body=%s", f"x{secret}y")
        logging.getLogger("oms.some.part").info("request_failed body=%r", {"a": ["loop-a"]})
    output = capsys.readouterr().err
    assert secret not in output and "loop-a" not in output and "request_failed" in output
