"""Which accounts listen to streams at all."""

from types import SimpleNamespace
from typing import Any

import pytest

from oms.adapters.ccxt.streams.account_streams import AccountStreams


class BrokenStream(Exception):
    """A bug of the client, which ends the streams."""


class Connection:
    """A connection whose streams all fail; ``dialled`` are their methods."""

    def __init__(self, *, has_credentials: bool) -> None:
        self.dialled: list[str] = []
        self.instruments: dict[str, Any] = {}
        self.exchange = SimpleNamespace(
            clients={},
            url_of_task={},
            has={"watchOrders": True, "watchMyTrades": False},
            check_required_credentials=lambda _error: has_credentials,
        )

    async def watch(self, method: str, _params: object) -> None:
        """Fails."""
        self.dialled.append(method)
        raise BrokenStream


@pytest.mark.parametrize("has_credentials", [True, False])
async def test_only_an_account_with_credentials_listens(*, has_credentials: bool) -> None:
    connection: Any = Connection(has_credentials=has_credentials)
    status: Any = SimpleNamespace(is_enabled=True)
    parts: dict[str, Any] = dict.fromkeys(("watchdog", "orders", "clock", "timings"))
    streams = AccountStreams(
        status=status,
        connection=connection,
        venue="binance",
        on_rows=lambda *_: None,
        poll_soon=lambda: None,
        **parts,
    )
    streams._section_params = lambda: [{}]  # type: ignore[method-assign]
    if has_credentials:
        with pytest.raises(BrokenStream):
            await streams.run()
    else:
        await streams.run()
    assert status.is_enabled is has_credentials
    assert connection.dialled == ["watch_orders"] * has_credentials
