"""Injects faults into the parts of a cluster under load; targets are derived from a seed.

Each fault begins while commands are in flight, and ends when its part works again and new commands
were answered.
"""

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from kit.cluster.hosts import ClusterHosts
from kit.cluster.parts import NodePart, Part, ProcessPart, ProxyPart, RedisPart
from kit.load.command_load import CommandLoad
from kit.polling import wait_until

TARGETS = ("node", "proxy", "api", "worker", "redis")
ACTIONS = ("kill", "pause", "cut")
#: Share of the faults of nodes and proxies that meet the one which writes go through.
WRITER_SHARE = 0.75
RECOVERY_SECONDS_MAX = 60.0

Kind = tuple[str, str]
"""Action and target."""


def one_round(seed: int) -> list[Kind]:
    """Every action on every target, in an order derived from ``seed``."""
    kinds = [(action, target) for action in ACTIONS for target in TARGETS]
    random.Random(seed).shuffle(kinds)
    return kinds


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """A fault that is over; times of the monotonic clock."""

    action: str
    target: str
    in_flight: int
    began_at: float
    ended_at: float


@dataclass(slots=True, kw_only=True)
class ClusterFaults:
    """The faults of one run."""

    hosts: ClusterHosts
    load: CommandLoad
    seed: int
    #: How long faults last, by (action, target), else by action.
    seconds: dict[Kind | str, float]
    injected: list[InjectedFault] = field(default_factory=list)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def run(self, kinds: Sequence[Kind], until: float | None = None) -> None:
        """Inject ``kinds`` one after the other, as long as ``until`` is not reached."""
        for kind in kinds:
            if until is not None and time.monotonic() > until:
                return
            self.inject(*kind)

    def inject(self, action: str, target: str) -> None:
        """Inject one fault, and wait until commands are answered after it."""
        part = self._choose(target)
        in_flight = wait_until(self.load.in_flight, RECOVERY_SECONDS_MAX, "commands in flight")
        began_at = time.monotonic()
        begin, end = {
            "kill": (part.kill, part.start),
            "pause": (part.pause, part.resume),
            "cut": (part.cut, part.connect),
        }[action]
        begin()
        self._last(self.seconds.get((action, target), self.seconds[action]))
        end()
        self._wait_for_answers()
        ended_at = time.monotonic()
        fault = InjectedFault(action, target, in_flight, began_at, ended_at)
        self.injected.append(fault)
        print(f"{action} {target}: {ended_at - began_at:.1f} s, {in_flight} in flight", flush=True)

    def counts(self) -> Counter[Kind]:
        """How many faults of each kind were injected."""
        return Counter((fault.action, fault.target) for fault in self.injected)

    def _last(self, seconds: float) -> None:
        ends_at = time.monotonic() + seconds
        wait_until(lambda: time.monotonic() > ends_at, seconds + 60, "the fault is over")

    def _wait_for_answers(self) -> None:
        wanted = self.load.completed + self.load.clients

        def is_recovered() -> bool:
            self.hosts.restart_ended()
            return self.load.completed >= wanted

        problems = self.load.recent_problems
        wait_until(is_recovered, RECOVERY_SECONDS_MAX, f"commands are answered: {problems()}")

    def _choose(self, target: str) -> Part:
        hosts, chosen = self.hosts, self._random
        meets_writer = chosen.random() < WRITER_SHARE
        if target == "redis":
            return RedisPart(hosts.redis)
        if target == "proxy":
            return ProxyPart(chosen.choice(hosts.proxies))
        if target == "node":
            number = chosen.randrange(len(hosts.cluster.nodes))
            writer = hosts.proxies[0].writer() if meets_writer else None
            return NodePart(
                hosts.cluster, hosts.cluster.nodes[number if writer is None else writer]
            )
        slots = hosts.apis if target == "api" else hosts.workers
        return ProcessPart(hosts, chosen.choice(slots), chosen)
