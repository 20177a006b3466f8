"""A trader on one paper account of an in-process gateway: prices, orders, positions, time."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from kit.gateway.in_process import InProcessGateway
from kit.polling import poll_until
from oms.adapters.clock import SystemClock
from oms.cli.verify import build_verify_report
from oms.config import Settings
from oms.services.account_state.state import AccountState
from oms.services.exchange_sync.poll_exchange import PollExchange

SYMBOL = "SOL/USDT:USDT"
_ALL_DATES = "limit=200&start_date=2020-01-01&end_date=2100-01-01"
NO_FEES = '{"oms":{"paper":{"source":"manual","maker":0,"taker":0}%s}}'


class SetClock:
    """A clock that goes on from the time it is set to."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        """A moment later than at the last call."""
        self._at += timedelta(microseconds=1)
        return self._at


class MovedClock:
    """The system's clock, moved forward by the test."""

    def __init__(self) -> None:
        self._offset, self._clock = timedelta(0), SystemClock()

    def now(self) -> datetime:
        """The moved time."""
        return self._clock.now() + self._offset

    def advance(self, seconds: float) -> None:
        """Move the time forward."""
        self._offset += timedelta(seconds=seconds)


class CountedLooks:
    """Counts how often the worker has looked at the market of an account."""

    def __init__(self, poll: PollExchange) -> None:
        self._poll, self.count = poll, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._poll, name)

    async def __call__(self, state: AccountState, now: datetime) -> bool:
        """One look."""
        changed = await self._poll(state, now)
        self.count += 1
        return changed


@dataclass
class PaperTrader:
    """The account that the trader's key may trade on."""

    gateway: InProcessGateway
    account_id: int
    key: str
    clock: MovedClock = field(default_factory=MovedClock)
    looks: CountedLooks = field(init=False)

    def __post_init__(self) -> None:
        processor = self.gateway.worker.processor
        self.looks = CountedLooks(processor.poll_exchange)
        processor.poll_exchange = self.looks  # type: ignore[assignment]
        processor.clock = self.clock

    def start(self) -> None:
        """Start the worker, on the moved clock."""
        self.gateway.start_worker()

    async def stop(self) -> None:
        """Shut the worker down: it commits everything and releases its accounts.

        The next one reads all from the store.
        """
        await self.gateway.stop_worker()
        self.gateway.worker.processor.states.clear()

    async def restart(self) -> None:
        """Shut the worker down and start it again."""
        await self.stop()
        self.start()

    async def price(self, price: str) -> None:
        """Set the price of the account."""
        await self.gateway.set_price(SYMBOL, price, account_id=self.account_id, key=self.key)

    async def book(self, bid: tuple[str, str], ask: tuple[str, str]) -> None:
        """Set an order book of one bid and one ask, each a price and a quantity."""
        book = {"bids": [bid], "asks": [ask]}
        body = {"account_id": self.account_id, "symbol": SYMBOL, "book": book}
        answer = await self.gateway.client("POST", "/paper/price", body, key=self.key)
        assert answer.status == 200, answer.body

    async def answer(self, command: str, **payload: Any) -> Any:
        """The response to a command."""
        body = {"account_id": self.account_id, "command": command, "payload": payload}
        return await self.gateway.client("POST", "/oms/commands?wait_ms=8000", body, key=self.key)

    async def run(self, command: str, **payload: Any) -> dict[str, Any]:
        """The result of a command that must succeed."""
        answer = await self.answer(command, **payload)
        assert answer.status == 200, answer.body
        row: dict[str, Any] = answer.json()["results"][0]
        return row

    async def open(self, qty: str = "1", side: str = "buy", **more: Any) -> int:
        """The position of a market order."""
        payload = {"symbol": SYMBOL, "side": side, "order_type": "market", "qty": qty} | more
        row = await self.run("send_order", **payload)
        position: int = row["order"]["position_id"]
        return position

    async def position(self, position_id: int) -> dict[str, Any]:
        """The row of a position."""
        found = await self.gateway.client.get(f"/oms/positions/{position_id}", key=self.key)
        row: dict[str, Any] = found["items"][0]
        return row

    async def closed(self, position_id: int, seconds: float = 5) -> dict[str, Any]:
        """The row of a position once it is closed."""
        return await poll_until(
            lambda: self.position(position_id), lambda row: row["state"] == "closed", seconds
        )

    async def look(self) -> None:
        """Let the worker look at the market once more, and commit what follows."""
        # A look in progress may have begun before.
        last = self.looks.count + 2
        processor = self.gateway.worker.processor

        async def is_committed() -> bool:
            if self.looks.count < last or not processor.pipeline.is_free():
                return False
            return not processor.states[self.account_id].work.has_content()

        await poll_until(is_committed, bool, 5)

    async def orders(self) -> list[dict[str, Any]]:
        """All orders of the account, the oldest first."""
        path = f"/oms/orders/history?account_ids={self.account_id}&{_ALL_DATES}"
        found = await self.gateway.client.get(path, key=self.key)
        return sorted(found["items"], key=lambda row: int(row["id"]))

    async def deals(self, position_id: int) -> list[dict[str, Any]]:
        """All deals of a position, the oldest first."""
        path = f"/oms/deals?account_ids={self.account_id}&{_ALL_DATES}"
        found = await self.gateway.client.get(path, key=self.key)
        rows = [row for row in found["items"] if row["position_id"] == position_id]
        return sorted(rows, key=lambda row: int(row["id"]))

    async def events(self, name: str) -> list[dict[str, Any]]:
        """Payloads of the account's events of this name."""
        path = f"/oms/events?account_ids={self.account_id}&limit=1000"
        found = await self.gateway.client.get(path, key=self.key)
        return [each["payload"] for each in found["items"] if each["event"] == name]

    async def assert_healthy(self) -> None:
        """``oms verify`` finds nothing."""
        report = await build_verify_report(self.gateway.store, Settings())
        assert report["ok"], report
