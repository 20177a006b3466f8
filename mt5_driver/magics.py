"""The strategies of the gateway as magic numbers.

The magic of a strategy is its ``client_strategy_id``, the caller's own number, or its id if it has
none. A magic that no strategy has becomes a strategy with this number, on all accounts that the key
may trade on, unless the settings say that it is refused. Names and numbers are unique in a gateway:
where another user has them, the strategy is the account's own and has the magic in its name.
"""

import re
from typing import Any

from mt5_driver.config import CREATE
from mt5_driver.constants import TRADE_RETCODE_INVALID
from mt5_driver.errors import GatewayError, TradeRefused
from mt5_driver.gateway_client import GatewayClient

_OWN_NAME = re.compile(r"MetaTrader magic (\d+), account (\d+)")


class MagicNumbers:
    """Magic numbers and strategies of one key."""

    def __init__(self, client: GatewayClient, account_id: int, new_magic: str) -> None:
        self._client = client
        self._account_id = account_id
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
        numbers = {row["strategy_id"]: self._number_of(row) for row in rows}
        # An id is no magic of a strategy that has a number: it may be the magic of another one.
        unnamed = {each: each for each, number in numbers.items() if number is None}
        named = {number: each for each, number in numbers.items() if number is not None}
        self._strategies = {0: 0, **unnamed, **named}
        self._magics.update({0: 0, **unnamed, **{each: number for number, each in named.items()}})

    def _number_of(self, row: Any) -> int | None:
        """Returns the caller's number of a strategy, or that in the name of one of the account."""
        own = _OWN_NAME.fullmatch(row["name"])
        if row["client_strategy_id"] is None and own and int(own[2]) == self._account_id:
            return int(own[1])
        number: int | None = row["client_strategy_id"]
        return number

    def _create(self, magic: int) -> None:
        accounts = self._client.get("/oms/accounts")["items"]
        ids = [row["account_id"] for row in accounts if row["can_trade"]]
        name = f"MetaTrader magic {magic}"
        shared = {"name": name, "account_ids": ids, "client_strategy_id": magic}
        own = {"name": f"{name}, account {self._account_id}", "account_ids": [self._account_id]}
        refused: GatewayError | None = None
        for body in (shared, own):
            try:
                self._client.post("/strategies", body)
            except GatewayError as error:
                refused = error
            self._load()  # Another program may have created it at the same time.
            if magic in self._strategies:
                return
        assert refused is not None, "a strategy that was created is listed"
        code = refused.detail.get("mt5_retcode") or TRADE_RETCODE_INVALID
        raise TradeRefused(int(code), str(refused.detail.get("message"))) from refused
