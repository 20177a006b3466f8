"""Injects many faults at the loopback exchange, evenly over a run, and counts the triggered ones.

A fault that was injected and is not pending any more was triggered.
"""

import random
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kit.exchanges.loopback_process import Json, LoopbackExchange


@dataclass(frozen=True)
class FaultTargets:
    """Parts of method and path at which requests of a dialect can be disturbed."""

    writes: tuple[str, ...]
    creates: tuple[str, ...]
    reads: tuple[str, ...]
    trades: tuple[str, ...]
    any: tuple[str, ...]
    #: Requests whose limits count by key; none where the address counts, which all accounts share.
    keyed: tuple[str, ...]
    #: Events of private streams, and the paths of their connection and authentication.
    frames: tuple[str, ...]
    dials: tuple[str, ...]
    signs: tuple[str, ...]
    #: Fault parameters with the response bodies and codes of the dialect.
    response: Mapping[str, Json]
    #: Why a kind cannot occur there.
    impossible: Mapping[str, str] = field(default_factory=dict)

    def matches(self, kind: str) -> tuple[str, ...]:
        """The parts of requests, frames or paths that a fault of this kind may match."""
        matches: tuple[str, ...] = getattr(self, FAULT_KINDS[kind][0])
        return matches


TARGETS = {
    "bybit": FaultTargets(
        writes=(*("order/create",) * 4, "order/cancel", "order/"),
        creates=("order/create",),
        reads=("order/realtime", "execution/list", "/list", "/v5/"),
        trades=("execution/list",),
        any=("/v5/",),
        keyed=("/v5/order/",),
        frames=("execution", "order"),
        dials=("/v5/private",),
        signs=("/v5/private",),
        response={
            "json": {"body": {"retCode": 10016, "retMsg": "internal", "result": {}}},
            "accept_then_json": {"body": {"retCode": 10016, "retMsg": "internal"}},
            "reject": {"code": 110003},
        },
    ),
    "binance": FaultTargets(
        writes=(
            *("POST /fapi/v1/order", "POST /api/v3/order") * 2,
            *("DELETE /fapi/v1/order", "DELETE /api/v3/order", "PUT /fapi/v1/order"),
            *("POST /fapi/v1/algoOrder", "DELETE /fapi/v1/algoOrder"),
        ),
        creates=("POST /fapi/v1/order", "POST /api/v3/order"),
        reads=("openOrders", "openAlgoOrders", "Trades", "positionRisk", "/fapi/v"),
        trades=("Trades",),
        any=("/fapi/v1", "/api/v3"),
        keyed=(),
        frames=("ORDER_TRADE_UPDATE", "executionReport", "ALGO_UPDATE"),
        dials=("/private/ws", "/ws-api"),
        signs=("/ws-api",),
        response={
            "json": {"status": 400, "body": {"code": -1006, "msg": "execution unknown"}},
            "accept_then_json": {"status": 400, "body": {"code": -1006, "msg": "unknown"}},
            "reject": {"code": -2010},
        },
        impossible={
            "ban": "its limits count by address, and a ban would stop all accounts for minutes"
        },
    ),
    "okx": FaultTargets(
        writes=(
            *("POST /api/v5/trade/order",) * 4,
            *("trade/cancel-order", "trade/amend-order"),
            *("POST /api/v5/trade/order-algo", "trade/cancel-algos"),
        ),
        creates=("POST /api/v5/trade/order",),
        reads=("orders-pending", "algo-pending", "fills-history", "/positions", "/trade/"),
        trades=("fills-history",),
        any=("/api/v5/trade",),
        keyed=(),
        frames=("orders",),
        dials=("/ws/v5/private",),
        signs=("/ws/v5/private",),
        response={
            "json": {"body": {"code": "50026", "data": [], "msg": "System error"}},
            "accept_then_json": {"body": {"code": "50026", "data": [], "msg": "System error"}},
            "reject": {"code": 51006},
        },
        impossible={"ban": "it refuses the requests beyond a limit, and bans no key"},
    ),
}
#: Targets and parameters by kind. Changes of an account without a request of ours are not included.
FAULT_KINDS: dict[str, tuple[str, Json]] = {
    "hang": ("writes", {}),
    "http": ("writes", {"status": 503}),
    "json": ("creates", {}),
    "html": ("writes", {}),
    "close_before": ("writes", {}),
    "redirect": ("writes", {}),
    "slow_before": ("writes", {"ms": 900}),
    "accept_then_hang": ("writes", {}),
    "accept_then_http": ("writes", {"status": 502}),
    "accept_then_close": ("writes", {}),
    "accept_then_truncate": ("writes", {}),
    "accept_then_json": ("creates", {}),
    "accept_then_html": ("writes", {}),
    "slow": ("writes", {"ms": 900}),
    "rate_limit": ("creates", {}),
    "ban": ("keyed", {"retry_after": "2"}),
    "lag": ("reads", {"count": 3, "seconds": 4}),
    "empty": ("reads", {}),
    "short_page": ("reads", {}),
    "null_fields": ("reads", {}),
    "no_trade_id": ("trades", {}),
    "shuffled": ("reads", {}),
    "missing_leg": ("reads", {}),
    "partial": ("any", {"share": "0.5"}),
    "reject": ("any", {}),
    "late_fill": ("any", {"share": "0.5"}),
    "refuse_connect": ("any", {"seconds": 0.7}),
    "skew": ("any", {"ms": 20_000}),
    "abort": ("dials", {}),
    "close": ("dials", {"code": 1011}),
    "refuse": ("dials", {}),
    "auth_refused": ("signs", {}),
    "silence": ("frames", {"count": 5}),
    "drop": ("frames", {}),
    "dup": ("frames", {}),
    "dup_late": ("frames", {"ms": 800}),
    "hold": ("frames", {"frames": 3}),
    "delay": ("frames", {"ms": 900}),
}
_STREAM_TARGETS = ("frames", "dials", "signs")
#: A ban stops a whole rate limit scope for minutes: it is injected before the worker is killed.
INJECTED_BY_WORKER_FAULTS = "ban"
_SKEW_SECONDS = 1.0


@dataclass
class ExchangeFaults:
    """``count_per_kind`` faults of every kind, in an order derived from ``seed``."""

    venue: LoopbackExchange
    count_per_kind: int
    seed: int
    dialects: Sequence[str] = ("bybit",)
    #: Whether any account uses streams.
    streams: bool = False
    injected: Counter[str] = field(default_factory=Counter)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        #: All kinds that can be triggered.
        self.kinds = [kind for kind in FAULT_KINDS if self._can_trigger(kind)]
        usual = [kind for kind in self.kinds if kind != INJECTED_BY_WORKER_FAULTS]
        self._remaining = [kind for kind in usual for _ in range(self.count_per_kind)]
        self._random.shuffle(self._remaining)

    def run(self, seconds: float) -> None:
        """Inject all faults evenly over ``seconds``, then those that were not triggered again."""
        pause_seconds = seconds / max(len(self._remaining), 1)
        while self._remaining and not self._stopped.wait(pause_seconds):
            self.inject(self._remaining.pop())
        while not self._stopped.wait(pause_seconds):
            outstanding = self.outstanding().items()
            missing = [kind for kind, count in outstanding if self._pending_first(kind) < count]
            if missing:
                self.inject(self._random.choice(missing), first=True)

    def stop(self) -> None:
        """Inject no more faults."""
        self._stopped.set()

    def inject(self, kind: str, *, first: bool = False) -> None:
        """Inject a fault of this kind; with ``first`` at the target that is requested most."""
        dialect = self._random.choice(self._dialects_with(kind))
        matches, parameters = TARGETS[dialect].matches(kind), FAULT_KINDS[kind][1]
        match = (
            matches[0]
            if first or kind == INJECTED_BY_WORKER_FAULTS
            else self._random.choice(matches)
        )
        response = TARGETS[dialect].response.get(kind, {})
        with self._lock:
            self.injected[kind] += 1
            fault = {"mode": kind, "match": match, "count": 1} | parameters | dict(response)
            self.venue.control("fault", **fault)
        if kind == "skew":
            self._stopped.wait(_SKEW_SECONDS)
            self.venue.control("skew", ms=0)

    def triggered(self) -> Counter[str]:
        """Number of triggered faults by kind; a repeated fault counts after its first trigger."""
        with self._lock:
            pending_counts = self._count_pending()
            return Counter(
                {kind: count - pending_counts[kind] for kind, count in self.injected.items()}
            )

    def outstanding(self) -> dict[str, int]:
        """Kinds that were not triggered often enough, and how many are missing."""
        triggered = self.triggered()
        kinds = [kind for kind in self.kinds if kind != INJECTED_BY_WORKER_FAULTS]
        return {
            kind: self.count_per_kind - triggered[kind]
            for kind in kinds
            if triggered[kind] < self.count_per_kind
        }

    def pending(self, kind: str) -> int:
        """Number of faults of a kind that were not triggered yet."""
        return self._count_pending()[kind]

    def _pending_first(self, kind: str) -> int:
        """Number of pending faults of a kind at their most requested target."""
        firsts = {TARGETS[dialect].matches(kind)[0] for dialect in self._dialects_with(kind)}
        rows = self.venue.control("faults")["faults"]
        return sum(row["mode"] == kind and row.get("match", "") in firsts for row in rows)

    def _can_trigger(self, kind: str) -> bool:
        has_target = self.streams or FAULT_KINDS[kind][0] not in _STREAM_TARGETS
        return has_target and bool(self._dialects_with(kind))

    def _dialects_with(self, kind: str) -> list[str]:
        return [each for each in self.dialects if kind not in TARGETS[each].impossible]

    def _count_pending(self) -> Counter[str]:
        pending = self.venue.control("faults")["faults"]
        usual = {kind: parameters.get("count", 1) for kind, (_, parameters) in FAULT_KINDS.items()}
        return Counter(row["mode"] for row in pending if row["count"] >= usual[row["mode"]])
