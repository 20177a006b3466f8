"""A load of order lifecycles: orders are placed, rested and cancelled, positions opened and closed.

A client reads its deals immediately at another address than the one that responded: a confirmed
result must be visible everywhere. Some commands are sent twice concurrently, to two addresses with
one request_id; both requests must get the same command.
"""

import http.client
import json
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from kit.load.command_load import GIVE_UP_SECONDS, CommandLoad, FailoverConnection, LoadEnded

#: Far below the price range of the paper exchange.
RESTING_PRICE = "20000"


@dataclass(slots=True, kw_only=True)
class TradingLoad(CommandLoad):
    """``account_ids`` are netting accounts, ``hedge_ids`` are hedge accounts."""

    hedge_ids: Sequence[int]
    seed: int
    #: One command in this many is sent twice concurrently.
    duplicate_every: int = 6
    duplicates: int = 0
    #: Violations of the gateway's guarantees.
    violations: list[str] = field(default_factory=list)

    def _run_client_step(self, connection: FailoverConnection, number: int) -> None:
        random_source = random.Random(f"{self.seed}-{number}")
        match random_source.choice(("trade", "rest", "ticket")):
            case "trade":
                self._trade(connection, number, random_source)
            case "rest":
                self._rest(connection, number, random_source)
            case _:
                self._ticket(connection, number, random_source)

    def _trade(
        self, connection: FailoverConnection, number: int, random_source: random.Random
    ) -> None:
        account_id = random_source.choice(self.account_ids)
        side = random_source.choice(("buy", "sell"))
        self._send(
            connection, f"trade-{number}", account_id, random_source, side=side, order_type="market"
        )

    def _rest(
        self, connection: FailoverConnection, number: int, random_source: random.Random
    ) -> None:
        account_id = random_source.choice([*self.account_ids, *self.hedge_ids])
        order = {"side": "buy", "order_type": "limit", "price": RESTING_PRICE}
        result = self._send(connection, f"rest-{number}", account_id, random_source, **order)
        payload = {"order_id": result["order_id"]}
        self._command(
            connection, f"cancel-{number}", account_id, "cancel_order", payload, random_source
        )

    def _ticket(
        self, connection: FailoverConnection, number: int, random_source: random.Random
    ) -> None:
        account_id = random_source.choice(self.hedge_ids)
        side = random_source.choice(("buy", "sell"))
        order = {"side": side, "order_type": "market"}
        result = self._send(connection, f"open-{number}", account_id, random_source, **order)
        deals = self._deals_of(connection.connect_next(), account_id, result["order_id"])
        if not deals:
            self.violations.append(f"open-{number} has a result, but its deal is not visible")
            return
        # Other steps may have added to the same position: each closes its own quantity.
        payload = {
            "position_id": deals[0]["position_id"],
            "order_type": "market",
            "qty": deals[0]["qty"],
        }
        self._command(
            connection, f"close-{number}", account_id, "close_position", payload, random_source
        )

    def _send(
        self,
        connection: FailoverConnection,
        request_id: str,
        account_id: int,
        random_source: random.Random,
        **order: str,
    ) -> dict[str, Any]:
        payload = {"symbol": self.symbol, "qty": "0.01"} | order
        return self._command(
            connection, request_id, account_id, "send_order", payload, random_source
        )

    def _command(
        self,
        connection: FailoverConnection,
        request_id: str,
        account_id: int,
        command: str,
        payload: dict[str, Any],
        random_source: random.Random,
    ) -> dict[str, Any]:
        body = json.dumps(
            {
                "account_id": account_id,
                "request_id": request_id,
                "command": command,
                "payload": payload,
            }
        ).encode()
        if random_source.randrange(self.duplicate_every):
            return self._send_until_final(connection, request_id, body)
        with closing(connection.connect_next()) as second, ThreadPoolExecutor(1) as executor:
            connect_next = executor.submit(self._until_final, second, request_id, body)
            first = self._send_until_final(connection, request_id, body)
            duplicate = connect_next.result()
        self._compare(request_id, first, duplicate)
        return first

    def _compare(self, request_id: str, first: dict[str, Any], duplicate: dict[str, Any]) -> None:
        with self._condition:
            self.duplicates += 1
            self._pending.pop(request_id, None)  # the duplicate may have been sent last
            if (first["command_id"], first["status"]) != (
                duplicate["command_id"],
                duplicate["status"],
            ):
                self.violations.append(f"{request_id} became two commands: {first} and {duplicate}")

    def _deals_of(
        self, connection: FailoverConnection, account_id: int, order_id: int
    ) -> Sequence[dict[str, Any]]:
        path = f"/oms/deals?account_ids={account_id}&order_id={order_id}&cursor="
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            if self._ended:
                raise LoadEnded
            try:
                status, answer = connection.get(path)
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._note(f"deals of {order_id}: {error!r}")
                continue
            if status == 200:
                connection.close()
                return list(answer["items"])
            self._note(f"deals of {order_id}: {status} {str(answer)[:200]}")
            connection.switch_address()
        raise AssertionError(f"the deals of {order_id} could not be read: {self.recent_problems()}")
