"""Entries that arrive together under a limit of positions, while a worker is killed.

Each batch is sent to an account of its own. Every second entry rests: it counts as a position that
it would open.
"""

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from kit.databases.sql import fetch_rows
from kit.gateway.processes import Gateway
from kit.http.client import call, get
from kit.polling import wait_until

ENTRIES, LIMIT = 20, 3
SECONDS_MAX = 30.0
TERMS = ({"order_type": "market"}, {"order_type": "limit", "price": "20000"})


@dataclass
class LimitedEntries:
    """``batches`` accounts with a limit of positions each; its ``with`` block sends the entries."""

    gateway: Gateway
    batches: int
    accounts: list[int] = field(init=False)
    sent: int = 0
    _sending: "list[Future[Any]]" = field(default_factory=list)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(ENTRIES))

    def __post_init__(self) -> None:
        self.accounts = self.gateway.add_accounts(self.batches, position_mode="hedge")
        for account_id in self.accounts:
            body = {"scope": "account", "scope_id": account_id, "comment": "entries that arrive"}
            body |= {"keys": {"max_open_positions": LIMIT}}
            key = self.gateway.admin_api_key
            status, answer, _ = call(
                self.gateway, "PUT", "/risk/policy?wait_ms=10000", body, key=key
            )
            assert status == 200, answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def send_next(self) -> None:
        """Send the entries of the next batch in parallel; returns once one is accepted."""
        account_id = self.accounts[self.sent]
        self.sent += 1
        self._sending = [
            self._pool.submit(self._send, account_id, TERMS[number % 2])
            for number in range(ENTRIES)
        ]
        wait(self._sending, return_when=FIRST_COMPLETED)

    def _send(self, account_id: int, terms: Mapping[str, Any]) -> None:
        """Send one entry; the limit may refuse it before it is answered."""
        order = {"symbol": "BTC/USDT:USDT", "side": "buy", "order_type": "market", "qty": "0.01"}
        payload = order | {"new_position": True} | dict(terms)
        command = {"account_id": account_id, "command": "send_order", "payload": payload}
        status, answer, _ = call(self.gateway, "POST", "/oms/commands?wait_ms=0", command)
        is_refused = status == 409 and answer["detail"]["code"] == "risk_blocked"
        assert is_refused or 200 <= status < 300, (status, answer)

    def take_unfinished(self) -> int:
        """Number of entries of the batch just sent that are accepted and not executed; once."""
        if not self._sending:
            return 0
        for each in self._sending:
            each.result()
        self._sending = []
        return sum(status in ("queued", "running") for status in self._statuses())

    def check(self) -> None:
        """Every batch opened as many positions as its limit allows, and refused the others."""
        wait_until(lambda: not self._open_commands(), SECONDS_MAX, "all entries are executed")
        for account_id in self.accounts[: self.sent]:
            path = f"/oms/orders/history?account_ids={account_id}&days=1&limit=200"
            rows = get(self.gateway, path)["items"]
            counted = Counter(
                (row["risk_status"], int(row["risk_detail"]["limits"][0]["value"])) for row in rows
            )
            # Each was counted with all before it, in the order of admission.
            passed = {("passed", number): 1 for number in range(1, LIMIT + 1)}
            blocked = {("blocked", LIMIT + 1): ENTRIES - LIMIT}
            assert counted == Counter(passed | blocked), account_id

    def _statuses(self) -> list[str]:
        account_id = self.accounts[self.sent - 1]
        query = f"""SELECT status FROM oms_commands
                    WHERE account_id = {account_id} AND command_type = 'send_order'"""
        return [status for (status,) in fetch_rows(self.gateway.dsn, query)]

    def _open_commands(self) -> bool:
        listed = ", ".join(map(str, self.accounts))
        query = f"""SELECT id FROM oms_commands
                    WHERE account_id IN ({listed}) AND status IN ('queued', 'running')"""
        return bool(fetch_rows(self.gateway.dsn, query))
