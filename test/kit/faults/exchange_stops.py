"""Stop levels that are reached at the loopback exchange, while the worker is killed.

Each kill has positions of its own: one on every account, with a stop loss that the next price
passes. Of two accounts the first is watched by the gateway, the second by an order that rests at
the exchange. What became of them is read from the books of the exchange, never from those of the
gateway.
"""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from random import Random
from typing import Any

from kit.databases.sql import connect, fetch_rows
from kit.exchanges.book_comparison import compare_books
from kit.exchanges.loopback_process import Json, LoopbackExchange
from kit.gateway.loopback_accounts import LoopbackAccount
from kit.gateway.processes import Gateway
from kit.http.client import call, get
from kit.polling import wait_until

SYMBOL = "BTC/USDT:USDT"
PRICE, LEVEL_DISTANCE, MOVE = 60_000, 500, 600
SECONDS_MAX = 90.0
POLL_SECONDS = 0.001
#: Between two prices of the market, which fill what rests.
PRICE_SECONDS = 0.5
#: Requests of an exchange that read prices, and that place orders.
PRICE_PATHS = {"bybit": "/v5/market/tickers", "binance": "/fapi/v1/ticker/"}
ORDER_PATHS = {"bybit": "/v5/order/create", "binance": "/fapi/v1/order"}


class Point(StrEnum):
    """How far the close of a position is."""

    LEVEL = "the level is reached, nothing is stored"
    COMMAND = "the close is stored as a command"
    ORDER = "its order is stored, perhaps sent, not executed"
    PARTLY = "its order is executed in part"
    FILL = "its order is executed, the fill is not booked"
    BOOKED = "booked"


#: The points to kill at, each with its share of the kills.
TARGETS = {Point.LEVEL: 3, Point.COMMAND: 2, Point.ORDER: 1, Point.PARTLY: 2, Point.FILL: 2}
#: What the exchange does with the orders that close, so that a kill finds them at the point.
_FAULTS: Mapping[Point, tuple[Json, ...]] = {
    Point.ORDER: ({"mode": "slow_before", "ms": 30_000},),
    Point.PARTLY: ({"mode": "partial", "share": "0.5"},),
    Point.FILL: ({"mode": "slow", "ms": 30_000},),
}
_OPEN_STATES = frozenset({"untriggered", "triggered", "new", "partly_filled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A position whose level the next price passes."""

    account: LoopbackAccount
    is_native: bool
    position_id: int
    side: str
    qty: Decimal
    #: Number of executions of its account at the exchange when it was opened.
    executions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One kill and what followed, in seconds."""

    target: Point
    #: How far each close was, of positions that the gateway watches and of the others.
    watched: Sequence[Point]
    native: Sequence[Point]
    #: From the kill until the next worker had the lease of each account, the latest.
    lease_seconds: float
    #: From then on until the order that closed arrived at the exchange, by the point of the kill.
    close_seconds: Sequence[tuple[Point, float]]


@dataclass(slots=True, kw_only=True)
class ExchangeStops:
    """Kills the only worker of a gateway, which was started with ``workers=1``."""

    gateway: Gateway
    venue: LoopbackExchange
    #: In turn one whose levels the gateway watches, and one with orders at the exchange.
    accounts: Sequence[LoopbackAccount]
    seed: int
    kills: list[Kill] = field(default_factory=list)
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)

    def found(self) -> Counter[Point]:
        """Number of kills that found a watched position at each point."""
        return Counter(point for kill in self.kills for point in set(kill.watched))

    def next_target(self, targets: Mapping[Point, int] = TARGETS) -> Point:
        """The point that was found least, by its share of the kills."""
        found = self.found()
        return min(targets, key=lambda point: found[point] / targets[point])

    def kill_at(self, target: Point) -> None:
        """Open positions, pass their levels, kill the worker there; returns when all are closed."""
        side = self._random.choice(("buy", "sell"))
        self._show(PRICE)
        holdings = [self._open(account, side) for account in self.accounts]
        self._inject(target)
        tokens, worker = self._leases(), self.gateway.pid("worker")
        after = self._last_request()
        passed = PRICE - MOVE if side == "buy" else PRICE + MOVE
        self._show(passed)
        self._await_point(target, after, [each for each in holdings if not each.is_native])
        killed_at = time.time()
        os.kill(worker, signal.SIGKILL)
        self.venue.control("clear")
        points = {each.position_id: self._point_of(each) for each in holdings}
        self.gateway.start_worker()
        leased_at = self._await_leases(tokens)
        self._await_closes(holdings, passed)
        orders = {each.position_id: self._check(each) for each in holdings}
        self.kills.append(
            Kill(
                target=target,
                watched=[points[each.position_id] for each in holdings if not each.is_native],
                native=[points[each.position_id] for each in holdings if each.is_native],
                lease_seconds=max(leased_at.values()) - killed_at,
                close_seconds=[
                    (
                        points[each.position_id],
                        max(orders[each.position_id] - leased_at[each.account.account_id], 0.0),
                    )
                    for each in holdings
                ],
            )
        )

    def check(self) -> None:
        """Compare both books, verify those of the gateway, and check that no command is left."""
        wait_until(
            lambda: not compare_books(self.gateway, self.venue, self.accounts).messages(),
            SECONDS_MAX,
            "both books are equal",
        )
        left = """SELECT id, command_type, status FROM oms_commands
                  WHERE status NOT IN ('done', 'refused', 'failed')"""
        assert not (rows := fetch_rows(self.gateway.dsn, left)), rows
        verdict = self.gateway.verify()
        assert verdict["ok"], verdict

    def _show(self, price: int) -> None:
        self.venue.control("price", symbol=SYMBOL, bid=str(price), ask=str(price))

    def _open(self, account: LoopbackAccount, side: str) -> Holding:
        """Open a position, and wait until its level is watched or rests at the exchange."""
        is_native = self.accounts.index(account) % 2 == 1
        distance = LEVEL_DISTANCE if side == "sell" else -LEVEL_DISTANCE
        qty = Decimal(self._random.randrange(2, 20, 2)) / 1000
        order = {"symbol": SYMBOL, "side": side, "order_type": "market", "qty": str(qty)}
        order |= {"stop_loss": str(PRICE + distance)}
        command = {"account_id": account.account_id, "command": "send_order", "payload": order}

        def sent() -> bool:
            status, answer, _ = call(self.gateway, "POST", "/oms/commands?wait_ms=10000", command)
            # The worker reads prices once a second: it may still have the one before.
            is_early = status == 422 and answer["detail"]["reason"] == "invalid_stops"
            assert is_early or 200 <= status < 300, (status, answer)
            return not is_early

        wait_until(sent, SECONDS_MAX, "the entry is accepted")
        path = f"/oms/positions/open?account_ids={account.account_id}"
        protection = "native" if is_native else "emulated"

        def protected() -> Json | None:
            rows = get(self.gateway, path)["items"]
            held = [row for row in rows if row["protection"] == protection]
            return held[0] if held and Decimal(held[0]["qty"]) == qty else None

        row = wait_until(protected, SECONDS_MAX, f"the position is {protection}")
        return Holding(
            account=account,
            is_native=is_native,
            position_id=row["id"],
            side=side,
            qty=qty,
            executions=len(self._executions(account)),
        )

    def _inject(self, target: Point) -> None:
        """Let the exchange hold the orders that close, of the accounts that the gateway watches."""
        for account in self.accounts[::2]:
            path = f"POST {ORDER_PATHS[account.dialect]}"
            for fault in _FAULTS.get(target, ()):
                match = "" if fault["mode"] == "partial" else path
                self.venue.control("fault", match=match, key=account.name, **fault)
            if target is Point.FILL:
                # Else its stream reports the execution before the worker is killed.
                delay = {"mode": "delay", "ms": 30_000, "count": 20, "key": account.name}
                self.venue.control("fault", **delay)

    def _await_point(self, target: Point, after: int, watched: Sequence[Holding]) -> None:
        """Return when a close is at the point, as far as that can be seen from outside."""
        dialect = watched[0].account.dialect
        names = {each.account.name for each in watched}
        if target is Point.LEVEL:
            if self._random.random() < 0.5:
                self._await_request(after, PRICE_PATHS[dialect], {*names, ""}, "GET")
            return
        if target is not Point.COMMAND:
            self._await_request(after, ORDER_PATHS[dialect], names, "POST")
            return
        listed = ", ".join(f"'oms:stop:{each.position_id}:0'" for each in watched)
        text = f"SELECT id FROM oms_commands WHERE request_id IN ({listed})"
        with self._reader() as read:
            _poll(lambda: read(text), "the level was triggered")

    def _await_request(self, after: int, path: str, keys: set[str], method: str) -> None:
        def arrived() -> bool:
            rows = self.venue.control("log", after=after, match=path)["log"]
            return any(row["key"] in keys and row["method"] == method for row in rows)

        _poll(arrived, f"a request of {path}")

    def _last_request(self) -> int:
        rows = self.venue.control("log", after=0)["log"]
        return int(rows[-1]["number"]) if rows else 0

    def _point_of(self, holding: Holding) -> Point:
        """How far its close was when the worker ended."""
        closed = sum((Decimal(row["qty"]) for row in self._closing(holding)), Decimal(0))
        position = f"SELECT state FROM oms_positions WHERE id = {holding.position_id}"
        if closed == holding.qty:
            ((state,),) = fetch_rows(self.gateway.dsn, position)
            return Point.BOOKED if state == "closed" else Point.FILL
        if closed:
            return Point.PARTLY
        command = f"""SELECT c.id, o.id FROM oms_commands c
                      LEFT JOIN oms_orders o ON o.command_id = c.id
                      WHERE c.request_id LIKE 'oms:stop:{holding.position_id}:%'"""
        rows = fetch_rows(self.gateway.dsn, command)
        if not rows:
            return Point.LEVEL
        return Point.COMMAND if rows[0][1] is None else Point.ORDER

    def _leases(self) -> dict[int, int]:
        """The fencing token of each account."""
        listed = ", ".join(str(each.account_id) for each in self.accounts)
        query = f"SELECT account_id, token FROM account_leases WHERE account_id IN ({listed})"
        return dict(fetch_rows(self.gateway.dsn, query))

    def _await_leases(self, before: Mapping[int, int]) -> dict[int, float]:
        """Wait until the next worker has all leases; when it got each, or a little earlier."""
        leased_at: dict[int, float] = {}
        deadline = time.monotonic() + SECONDS_MAX
        while len(leased_at) < len(before):
            assert time.monotonic() < deadline, "the next worker got no lease"
            looked_at = time.time() - 2 * POLL_SECONDS
            for account_id, token in self._leases().items():
                if token != before[account_id]:
                    leased_at.setdefault(account_id, looked_at)
            time.sleep(POLL_SECONDS)
        return leased_at

    def _await_closes(self, holdings: Sequence[Holding], price: int) -> None:
        """Let the market go on until all positions are closed, there and here."""
        ids = ", ".join(str(each.position_id) for each in holdings)
        query = f"SELECT COUNT(*) FROM oms_positions WHERE id IN ({ids}) AND state = 'closed'"
        shown_at = 0.0

        def closed() -> bool:
            nonlocal shown_at
            if time.monotonic() - shown_at > PRICE_SECONDS:
                self._show(price)
                shown_at = time.monotonic()
            ((count,),) = fetch_rows(self.gateway.dsn, query)
            return int(count) == len(holdings)

        wait_until(closed, SECONDS_MAX, f"the positions {ids} are closed")

    def _check(self, holding: Holding) -> float:
        """Check that it was closed once, with its size; returns when that order arrived."""
        closing = self._closing(holding)
        opposite = "sell" if holding.side == "buy" else "buy"
        assert {row["side"] for row in closing} == {opposite}, (holding, closing)
        assert sum(Decimal(row["qty"]) for row in closing) == holding.qty, (holding, closing)
        books = self.venue.books(holding.account.name)
        orders = {row["order_id"]: row for row in books["orders"]}
        first, *more = dict.fromkeys(row["order_id"] for row in closing)
        if more:  # The exchange ended the first one with a rest, which another one closed.
            cut = orders[first]
            assert len(more) == 1 and cut["state"] == "canceled", (holding, closing, cut)
            assert Decimal(cut["filled"]) < Decimal(cut["qty"]) == holding.qty, (holding, cut)
        held = [row["qty"] for row in books["positions"] if Decimal(row["qty"])]
        assert not held, (holding, held)
        wait_until(lambda: not self._resting(holding), SECONDS_MAX, "no order of it is left")
        created_at = datetime.fromisoformat(orders[first]["created_at"])
        return created_at.timestamp()

    def _resting(self, holding: Holding) -> list[Json]:
        rows = self.venue.books(holding.account.name)["orders"]
        return [row for row in rows if row["state"] in _OPEN_STATES]

    def _closing(self, holding: Holding) -> list[Json]:
        """The executions at the exchange since it was opened."""
        return self._executions(holding.account)[holding.executions :]

    def _executions(self, account: LoopbackAccount) -> list[Json]:
        rows = self.venue.books(account.name)["trades"]
        return [row for row in rows if row["kind"] == "trade"]

    @contextmanager
    def _reader(self) -> Iterator[Callable[[str], Any]]:
        """A function that reads rows as they are now, over one connection."""
        with connect(self.gateway.dsn) as connection:

            def read(statement: str) -> Any:
                cursor = connection.cursor()
                cursor.execute(statement)
                rows = cursor.fetchall()
                connection.commit()
                return rows

            yield read


def _poll(is_reached: Callable[[], object], what: str) -> None:
    """Return as soon as it is reached: what follows comes within milliseconds."""
    deadline = time.monotonic() + SECONDS_MAX
    while not is_reached():
        assert time.monotonic() < deadline, f"not within {SECONDS_MAX:g} s: {what}"
