"""Which texts of ccxt's structures leave as numbers."""

from types import SimpleNamespace
from typing import Any

from oms.adapters.ccxt.client.gateway_calls import call_read

#: Coins and ids whose names are digits.
ROW = {"id": "17", "symbol": "BTC/USDT", "amount": "1.5", "fee": {"currency": "888", "cost": "2"}}


class Connection:
    """A connection whose trades are ``ROW``."""

    is_open = True
    exchange = SimpleNamespace(fetch_my_trades=lambda: None)

    async def read(self, _func: str) -> Any:
        return [ROW]


async def test_a_coin_whose_code_is_a_number_stays_a_text() -> None:
    connection: Any = Connection()
    (trade,) = await call_read(connection, "fetch_my_trades", (), {})
    assert trade == {**ROW, "amount": 1.5, "fee": {"currency": "888", "cost": 2.0}}
