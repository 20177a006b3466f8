"""The strategies of the gateway as magic numbers.

The magic of a strategy is its ``client_strategy_id``, the caller's own number, or its id if it has
none. A magic that no strategy has becomes a strategy with this number, on all accounts that the key
may trade on, unless the settings say that it is refused.
"""

from typing import Any

from mt5_driver.config import CREATE
from mt5_driver.constants import TRADE_RETCODE_INVALID
from mt5_driver.errors import GatewayError, TradeRefused
from mt5_driver.gateway_client import GatewayClient


class MagicNumbers:
    """Magic numbers and strategies of one key."""

    def __init__(self, client: GatewayClient, new_magic: str) -> None:
        self._client = client
        self._new_magic = new_magic
        self._strategies: dict[int, int] = {0: 0}
        self._magics: dict[int, int] = {0: 0}

    def strategy_of(self, magic: int) -> int:
        """Returns the id of the strategy of a magic; creates it if there is none.

        Raises ``TradeRefused`` if it must not be created, ``CallFailed``.
        """
        if magic not in self._strategies:
            self._load()
        if magic not in self._strategies:
            if self._new_magic != CREATE:
                comment = f"no strategy has the magic {magic}"
                raise TradeRefused(TRADE_RETCODE_INVALID, comment)
            self._create(magic)
        return self._strategies[magic]

    def magic_of(self, strategy_id: int) -> int:
        """Returns the magic of a strategy. Raises ``CallFailed``."""
        if strategy_id not in self._magics:
            self._load()
        return self._magics.setdefault(strategy_id, strategy_id)

    def _load(self) -> None:
        rows: list[Any] = self._client.get("/strategies")["items"]
        numbers = {row["strategy_id"]: row["client_strategy_id"] for row in rows}
        # An id is no magic of a strategy that has a number: it may be the magic of another one.
        unnamed = {each: each for each, number in numbers.items() if number is None}
        named = {number: each for each, number in numbers.items() if number is not None}
        self._strategies = {0: 0, **unnamed, **named}
        self._magics.update({0: 0, **unnamed, **{each: number for number, each in named.items()}})

    def _create(self, magic: int) -> None:
        accounts = self._client.get("/oms/accounts")["items"]
        ids = [row["account_id"] for row in accounts if row["can_trade"]]
        name = f"MetaTrader magic {magic}"
        body = {"name": name, "account_ids": ids, "client_strategy_id": magic}
        try:
            created = self._client.post("/strategies", body)
        except GatewayError as error:
            self._load()  # Another program may have created it at the same time.
            if magic not in self._strategies:
                code = error.detail.get("mt5_retcode") or TRADE_RETCODE_INVALID
                raise TradeRefused(int(code), str(error.detail.get("message"))) from error
            return
        self._strategies[magic] = created["strategy_id"]
        self._magics[created["strategy_id"]] = magic
