"""A storm of small stories: orders are sent, rested and cancelled, tickets opened and closed.

What a story needs to know of its order it reads at another address than the one that answered, at
once: an answer that has been given must be visible everywhere. Some commands are sent twice at the
same moment, to two addresses under one request_id: they are one command, and both are told so.
"""

import http.client
import json
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from kit.load.command_load import GIVE_UP_SECONDS, CommandLoad, FailoverConnection

#: Far below any price that the paper exchange walks to.
RESTING_PRICE = "20000"


@dataclass(slots=True, kw_only=True)
class TradingLoad(CommandLoad):
    """``account_ids`` of the storm are netting accounts; ``hedge_ids`` have tickets to close."""

    hedge_ids: Sequence[int]
    seed: int
    #: One command of so many is sent twice at once.
    duplicate_every: int = 6
    duplicates: int = 0
    #: What was wrong with the gateway, not with the weather.
    faults: list[str] = field(default_factory=list)

    def _play(self, link: FailoverConnection, number: int) -> None:
        chance = random.Random(f"{self.seed}-{number}")
        match chance.choice(("trade", "rest", "ticket")):
            case "trade":
                self._trade(link, number, chance)
            case "rest":
                self._rest(link, number, chance)
            case _:
                self._ticket(link, number, chance)

    def _trade(self, link: FailoverConnection, number: int, chance: random.Random) -> None:
        account_id = chance.choice(self.account_ids)
        side = chance.choice(("buy", "sell"))
        self._send(link, f"trade-{number}", account_id, chance, side=side, order_type="market")

    def _rest(self, link: FailoverConnection, number: int, chance: random.Random) -> None:
        account_id = chance.choice([*self.account_ids, *self.hedge_ids])
        wish = {"side": "buy", "order_type": "limit", "price": RESTING_PRICE}
        result = self._send(link, f"rest-{number}", account_id, chance, **wish)
        payload = {"order_id": result["order_id"]}
        self._command(link, f"cancel-{number}", account_id, "cancel_order", payload, chance)

    def _ticket(self, link: FailoverConnection, number: int, chance: random.Random) -> None:
        account_id = chance.choice(self.hedge_ids)
        side = chance.choice(("buy", "sell"))
        wish = {"side": side, "order_type": "market"}
        result = self._send(link, f"open-{number}", account_id, chance, **wish)
        deals = self._deals_of(link.other(), account_id, result["order_id"])
        if not deals:
            self.faults.append(f"open-{number} is answered and its deal is not to be seen")
            return
        # Other stories may have added to the same ticket: each takes back what is its own.
        payload = {
            "position_id": deals[0]["position_id"],
            "order_type": "market",
            "qty": deals[0]["qty"],
        }
        self._command(link, f"close-{number}", account_id, "close_position", payload, chance)

    def _send(
        self,
        link: FailoverConnection,
        request_id: str,
        account_id: int,
        chance: random.Random,
        **wish: str,
    ) -> dict[str, Any]:
        payload = {"symbol": self.symbol, "qty": "0.01"} | wish
        return self._command(link, request_id, account_id, "send_order", payload, chance)

    def _command(
        self,
        link: FailoverConnection,
        request_id: str,
        account_id: int,
        command: str,
        payload: dict[str, Any],
        chance: random.Random,
    ) -> dict[str, Any]:
        body = json.dumps(
            {
                "account_id": account_id,
                "request_id": request_id,
                "command": command,
                "payload": payload,
            }
        ).encode()
        if chance.randrange(self.duplicate_every):
            return self._told(link, request_id, body)
        with ThreadPoolExecutor(1) as beside:
            second = link.other()
            other = beside.submit(self._until_final, second, request_id, body)
            mine = self._told(link, request_id, body)
            theirs = other.result()
            second.close()
        self._compare(request_id, mine, theirs)
        return mine

    def _compare(self, request_id: str, mine: dict[str, Any], theirs: dict[str, Any]) -> None:
        with self._turn:
            self.duplicates += 1
            self._pending.pop(request_id, None)  # the twin may have been the last to ask
            if (mine["command_id"], mine["status"]) != (theirs["command_id"], theirs["status"]):
                self.faults.append(f"{request_id} became two: {mine} and {theirs}")

    def _deals_of(
        self, link: FailoverConnection, account_id: int, order_id: int
    ) -> Sequence[dict[str, Any]]:
        path = f"/oms/deals?account_ids={account_id}&order_id={order_id}&cursor="
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            try:
                status, answer = link.get(path)
            except (OSError, http.client.HTTPException, ValueError) as problem:
                self._note(f"deals of {order_id}: {problem!r}")
                continue
            if status == 200:
                link.close()
                return list(answer["items"])
            self._note(f"deals of {order_id}: {status} {str(answer)[:200]}")
            link.turn()
        raise AssertionError(f"the deals of {order_id} were never told: {self.tail()}")
