"""Positions with stop levels that are reached in batches, so that a worker can be killed meanwhile.

They are those of one paper account at manual prices. A batch is triggered by one price, in one
transaction; its closes are commands that follow one by one.
"""

import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from kit.databases.sql import fetch_rows
from kit.gateway.in_process import MANUAL
from kit.gateway.processes import Gateway
from kit.http.client import call, post_order
from kit.polling import wait_until

BATCH_SIZE = 16
SYMBOL = "BTC/USDT:USDT"
PRICE = 20_000
SECONDS_MAX = 30.0


@dataclass
class ArmedPositions:
    """``batches`` batches of long positions, each with a stop loss below that of the one before."""

    gateway: Gateway
    batches: int
    account_id: int = field(init=False)
    #: Stop loss by position.
    levels: dict[int, int] = field(default_factory=dict)
    price: int = PRICE

    def __post_init__(self) -> None:
        (self.account_id,) = self.gateway.add_accounts(
            1, position_mode="hedge", extra_config=MANUAL
        )
        self._set_price(PRICE, wait_ms=10_000)
        for batch in range(self.batches):
            level = PRICE - 1 - batch
            for _ in range(BATCH_SIZE):
                body = post_order(
                    self.gateway, self.account_id, stop_loss=str(level), new_position=True
                )
                self.levels[body["results"][0]["order"]["position_id"]] = level

    def reach_next(self) -> None:
        """Let the price reach the levels of the next batch; returns once they are triggered."""
        self._set_price(self.price - 1, wait_ms=0)
        reached = len(self._reached())
        deadline = time.monotonic() + SECONDS_MAX
        # Without a pause: the closes are executed within milliseconds.
        while len(self._closes()) < reached:
            assert time.monotonic() < deadline, "the levels were not triggered"

    def unfinished_closes(self) -> int:
        """Number of closes that were triggered and not executed yet."""
        return sum(status in ("queued", "running") for status in self._closes().values())

    def check(self) -> None:
        """Every position whose level was reached was closed by it once; the others are armed."""
        reached = self._reached()
        wait_until(
            lambda: self._states()["closed"] >= len(reached),
            SECONDS_MAX,
            "the positions are closed",
        )
        query = f"""SELECT id, state, close_reason, qty_closed, stop_loss FROM oms_positions
                    WHERE account_id = {self.account_id}"""
        expected = {
            position_id: ("closed", "sl", Decimal("0.01"), None)
            if position_id in reached
            else ("open", None, Decimal(0), Decimal(level))
            for position_id, level in self.levels.items()
        }
        rows = {
            position_id: (state, reason, Decimal(closed), None if loss is None else Decimal(loss))
            for position_id, state, reason, closed, loss in fetch_rows(self.gateway.dsn, query)
        }
        assert rows == expected
        closes = f"""SELECT position_id, status FROM oms_orders
                     WHERE account_id = {self.account_id} AND reason = 'sl'"""
        orders = Counter(fetch_rows(self.gateway.dsn, closes))
        assert orders == Counter({(position_id, "FILLED"): 1 for position_id in reached})
        # The number after the position counts what was triggered of it before.
        names = {f"oms:stop:{position_id}:0": "done" for position_id in reached}
        assert self._closes() == names, "each level was triggered once"

    def _reached(self) -> set[int]:
        return {key for key, level in self.levels.items() if level >= self.price}

    def _set_price(self, price: int, wait_ms: int) -> None:
        self.price = price
        body = {"account_id": self.account_id, "symbol": SYMBOL, "price": str(price)}
        status, answer, _ = call(self.gateway, "POST", f"/paper/price?wait_ms={wait_ms}", body)
        assert status in (200, 202), answer

    def _closes(self) -> dict[str, str]:
        """The status of each close that was triggered, by its request id."""
        query = f"""SELECT request_id, status FROM oms_commands
                    WHERE account_id = {self.account_id} AND request_id LIKE 'oms:stop:%'"""
        return dict(fetch_rows(self.gateway.dsn, query))

    def _states(self) -> Counter[str]:
        query = f"SELECT state FROM oms_positions WHERE account_id = {self.account_id}"
        return Counter(state for (state,) in fetch_rows(self.gateway.dsn, query))
