"""Faults of the loopback exchange by the dozen: planted evenly over a run, and counted.

What was planted and does not wait any more has struck; only that counts.
"""

import random
import threading
from collections import Counter
from dataclasses import dataclass, field

from kit.loopback import Json, Loopback

WRITES = ("order/create", "order/create", "order/create", "order/create", "order/cancel", "order/")
READS = ("order/realtime", "execution/list", "/list", "/v5/")
CREATE = ("order/create",)
ANY = ("",)

#: Where each kind may strike, and what it is told. Not among them: faults of streams, which these
#: accounts do not use, and what changes an account without any request of ours.
KINDS: dict[str, tuple[tuple[str, ...], Json]] = {
    "hang": (WRITES, {}),
    "http": (WRITES, {"status": 503}),
    "json": (CREATE, {"body": {"retCode": 10016, "retMsg": "internal", "result": {}}}),
    "html": (WRITES, {}),
    "close_before": (WRITES, {}),
    "redirect": (WRITES, {}),
    "slow_before": (WRITES, {"ms": 900}),
    "accept_then_hang": (WRITES, {}),
    "accept_then_http": (WRITES, {"status": 502}),
    "accept_then_close": (WRITES, {}),
    "accept_then_truncate": (WRITES, {}),
    "accept_then_json": (CREATE, {"body": {"retCode": 10016, "retMsg": "internal"}}),
    "accept_then_html": (WRITES, {}),
    "slow": (WRITES, {"ms": 900}),
    "rate_limit": (CREATE, {}),
    "ban": (READS[:1], {"retry_after": "2"}),
    "lag": (READS[:2], {"count": 3, "seconds": 4}),
    "empty": (READS, {}),
    "short_page": (READS, {}),
    "null_fields": (READS, {}),
    "no_trade_id": (READS[1:2], {}),
    "shuffled": (READS, {}),
    "missing_leg": (READS, {}),
    "partial": (ANY, {"share": "0.5"}),
    "reject": (ANY, {"code": 110003}),
    "late_fill": (ANY, {"share": "0.5"}),
    "refuse_connect": (ANY, {"seconds": 0.7}),
    "skew": (ANY, {"ms": 20_000}),
}
#: A ban stops a whole scope for minutes: whoever kills the worker plants it.
PLANTED_BY_KILLER = "ban"
AT_ONCE = frozenset({"refuse_connect", "skew"})
_SKEW_SECONDS = 1.0


@dataclass
class BadDays:
    """``each`` faults of every kind, in an order that ``seed`` tells."""

    venue: Loopback
    each: int
    seed: int
    planted: Counter[str] = field(default_factory=Counter)
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._left = [kind for kind in KINDS if kind != PLANTED_BY_KILLER for _ in range(self.each)]
        self._random.shuffle(self._left)

    def run(self, seconds: float) -> None:
        """Plant all of them, evenly over so many seconds, then what has to be planted again."""
        pause = seconds / max(len(self._left), 1)
        while self._left and not self._over.wait(pause):
            self.plant(self._left.pop())
        while not self._over.wait(pause):
            missing = [kind for kind in self.lacking() if not self._waits_first(kind)]
            if missing:
                self.plant(self._random.choice(missing), first=True)

    def stop(self) -> None:
        """Nothing more is planted."""
        self._over.set()

    def plant(self, kind: str, *, first: bool = False) -> None:
        """One fault of this kind; ``first`` where it strikes soonest."""
        places, told = KINDS[kind]
        place = places[0] if first else self._random.choice(places)
        with self._lock:
            self.planted[kind] += 1
            self.venue.ctl("fault", **{"mode": kind, "match": place, "count": 1} | told)
        if kind == "skew":
            self._over.wait(_SKEW_SECONDS)
            self.venue.ctl("skew", ms=0)

    def struck(self) -> Counter[str]:
        """How many of each kind have struck. Of a kind that strikes thrice, once is enough."""
        with self._lock:
            waiting = self._waiting()
            return Counter({kind: count - waiting[kind] for kind, count in self.planted.items()})

    def lacking(self) -> dict[str, int]:
        """Kinds that have not struck often enough yet, and how many times are left."""
        struck = self.struck()
        wanted = [kind for kind in KINDS if kind != PLANTED_BY_KILLER]
        return {kind: self.each - struck[kind] for kind in wanted if struck[kind] < self.each}

    def waiting(self, kind: str) -> int:
        """How many of a kind have not struck yet."""
        return self._waiting()[kind]

    def _waits_first(self, kind: str) -> bool:
        place = KINDS[kind][0][0]
        rows = self.venue.ctl("faults")["faults"]
        return any((row["mode"], row.get("match", "")) == (kind, place) for row in rows)

    def _waiting(self) -> Counter[str]:
        told = self.venue.ctl("faults")["faults"]
        usual = {kind: told.get("count", 1) for kind, (_, told) in KINDS.items()}
        return Counter(row["mode"] for row in told if row["count"] >= usual[row["mode"]])
