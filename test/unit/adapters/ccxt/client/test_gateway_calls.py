"""Which texts of ccxt's structures leave as numbers."""

from types import SimpleNamespace
from typing import Any

import pytest

from oms.adapters.ccxt.client.gateway_calls import call_read
from oms.domain.errors import Invalid

#: Coins and ids whose names are digits.
ROW = {"id": "17", "symbol": "BTC/USDT", "amount": "1.5", "fee": {"currency": "888", "cost": "2"}}


class Connection:
    """A connection whose trades are ``ROW``."""

    is_open = True
    exchange = SimpleNamespace(
        fetch_my_trades=lambda: None, fapiPrivateGetPositionSideDual=lambda params=None: None
    )

    async def read(self, func: str) -> Any:
        return [ROW] if func == "fetch_my_trades" else {"called": func}


async def test_a_coin_whose_code_is_a_number_stays_a_text() -> None:
    connection: Any = Connection()
    (trade,) = await call_read(connection, "fetch_my_trades", (), {})
    assert trade == {**ROW, "amount": 1.5, "fee": {"currency": "888", "cost": 2.0}}


async def test_a_raw_request_is_called_by_its_name_in_ccxt() -> None:
    connection: Any = Connection()
    answer = await call_read(connection, "fapi_private_get_position_side_dual", (), {})
    assert answer == {"called": "fapiPrivateGetPositionSideDual"}
    with pytest.raises(Invalid, match="fapi_private_get_multi_assets_margin"):
        await call_read(connection, "fapi_private_get_multi_assets_margin", (), {})
