"""Faults of the loopback exchange by the dozen: planted evenly over a run, and counted.

What was planted and does not wait any more has struck; only that counts.
"""

import random
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kit.exchanges.loopback_process import Json, LoopbackExchange


@dataclass(frozen=True)
class FaultTargets:
    """Where a dialect's requests can be struck: parts of method and path."""

    writes: tuple[str, ...]
    creates: tuple[str, ...]
    reads: tuple[str, ...]
    trades: tuple[str, ...]
    any: tuple[str, ...]
    #: What counts for a key, and not for the address that all have in common.
    keyed: tuple[str, ...]
    #: What their private streams tell, where they are dialled, and where one signs in.
    frames: tuple[str, ...]
    dials: tuple[str, ...]
    signs: tuple[str, ...]
    #: What faults are told in the words of the dialect.
    words: Mapping[str, Json]


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
        words={
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
        words={
            "json": {"status": 400, "body": {"code": -1006, "msg": "execution unknown"}},
            "accept_then_json": {"status": 400, "body": {"code": -1006, "msg": "unknown"}},
            "reject": {"code": -2010},
        },
    ),
}
#: Which doors each kind may strike at, and what it is told. Not among them: what changes an account
#: without any request of ours.
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
_OF_STREAMS = ("frames", "dials", "signs")
#: A ban stops a whole scope for minutes: whoever kills the worker plants it, and only where the
#: scope is the worker's own.
INJECTED_BY_WORKER_FAULTS = "ban"
_BANNED = "bybit"
_SKEW_SECONDS = 1.0


@dataclass
class ExchangeFaults:
    """``each`` faults of every kind, in an order that ``seed`` tells."""

    venue: LoopbackExchange
    count_per_kind: int
    seed: int
    dialects: Sequence[str] = ("bybit",)
    #: Whether any account listens to streams.
    streams: bool = False
    injected: Counter[str] = field(default_factory=Counter)
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        #: All that may strike.
        self.kinds = [kind for kind in FAULT_KINDS if self._may_strike(kind)]
        usual = [kind for kind in self.kinds if kind != INJECTED_BY_WORKER_FAULTS]
        self._left = [kind for kind in usual for _ in range(self.count_per_kind)]
        self._random.shuffle(self._left)

    def run(self, seconds: float) -> None:
        """Plant all of them, evenly over so many seconds, then what has to be planted again."""
        pause = seconds / max(len(self._left), 1)
        while self._left and not self._over.wait(pause):
            self.inject(self._left.pop())
        while not self._over.wait(pause):
            outstanding = self.outstanding().items()
            missing = [kind for kind, count in outstanding if self._waiting_first(kind) < count]
            if missing:
                self.inject(self._random.choice(missing), first=True)

    def stop(self) -> None:
        """Nothing more is planted."""
        self._over.set()

    def inject(self, kind: str, *, first: bool = False) -> None:
        """One fault of this kind; ``first`` where it strikes soonest."""
        dialect = (
            _BANNED if kind == INJECTED_BY_WORKER_FAULTS else self._random.choice(self.dialects)
        )
        places, told = self._places(kind, dialect), FAULT_KINDS[kind][1]
        place = (
            places[0] if first or kind == INJECTED_BY_WORKER_FAULTS else self._random.choice(places)
        )
        words = TARGETS[dialect].words.get(kind, {})
        with self._lock:
            self.injected[kind] += 1
            wish = {"mode": kind, "match": place, "count": 1} | told | dict(words)
            self.venue.control("fault", **wish)
        if kind == "skew":
            self._over.wait(_SKEW_SECONDS)
            self.venue.control("skew", ms=0)

    def triggered(self) -> Counter[str]:
        """How many of each kind have struck. Of a kind that strikes thrice, once is enough."""
        with self._lock:
            waiting = self._waiting()
            return Counter({kind: count - waiting[kind] for kind, count in self.injected.items()})

    def outstanding(self) -> dict[str, int]:
        """Kinds that have not struck often enough yet, and how many times are left."""
        triggered = self.triggered()
        wanted = [kind for kind in self.kinds if kind != INJECTED_BY_WORKER_FAULTS]
        return {
            kind: self.count_per_kind - triggered[kind]
            for kind in wanted
            if triggered[kind] < self.count_per_kind
        }

    def pending(self, kind: str) -> int:
        """How many of a kind have not struck yet."""
        return self._waiting()[kind]

    def _waiting_first(self, kind: str) -> int:
        """How many of a kind wait where they strike soonest."""
        firsts = {self._places(kind, dialect)[0] for dialect in self.dialects}
        rows = self.venue.control("faults")["faults"]
        return sum(row["mode"] == kind and row.get("match", "") in firsts for row in rows)

    def _may_strike(self, kind: str) -> bool:
        if kind == INJECTED_BY_WORKER_FAULTS:
            return _BANNED in self.dialects
        return self.streams or FAULT_KINDS[kind][0] not in _OF_STREAMS

    def _places(self, kind: str, dialect: str) -> tuple[str, ...]:
        places: tuple[str, ...] = getattr(TARGETS[dialect], FAULT_KINDS[kind][0])
        return places

    def _waiting(self) -> Counter[str]:
        told = self.venue.control("faults")["faults"]
        usual = {kind: told.get("count", 1) for kind, (_, told) in FAULT_KINDS.items()}
        return Counter(row["mode"] for row in told if row["count"] >= usual[row["mode"]])
