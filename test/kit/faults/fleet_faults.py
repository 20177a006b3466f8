"""Weather for a fleet: who is struck, when and how, drawn from a seed.

A process is stopped (SIGSTOP) first, until it is seen that work waits for it: every stroke finds
commands in flight. Then it is killed, or it stays stopped past its lease and wakes up as one who
believes to be home still. A node of the database is killed without warning, stays away until the
others have taken over, and comes back. A stroke that finds no work is a failure.
"""

import random
import signal
import time
from dataclasses import dataclass, field

from kit.databases.galera import GaleraCluster
from kit.gateway.fleet import Fleet, ProcessSlot
from kit.load.command_load import CommandLoad
from kit.polling import wait_until

STROKE_SECONDS_MAX = 30.0
#: How long work may take to gather for one who is stopped before it is let go again.
GATHER_SECONDS = 0.4


@dataclass(slots=True, kw_only=True)
class FleetFaults:
    """Strokes upon a fleet under a storm of requests."""

    fleet: Fleet
    storm: CommandLoad
    seed: int
    lease_seconds: float
    #: What the fleet works on, where nodes are to be struck.
    cluster: GaleraCluster | None = None
    #: What each stroke found in flight, in order.
    in_flight_counts: list[tuple[str, int]] = field(default_factory=list)

    def run(self, strokes: list[str]) -> None:
        """All ``strokes`` (``worker``, ``api``, ``sleep``, ``node``), their order by the seed."""
        chance = random.Random(self.seed)
        chance.shuffle(strokes)
        for number, stroke in enumerate(strokes, start=1):
            share = self.storm.total * number // (len(strokes) + 1)
            self.storm.allow(share + self.storm.total // len(strokes))
            self.storm.wait_until_busy(answered=share)
            self.inject_fault(stroke, chance)

    def inject_fault(self, stroke: str, chance: random.Random) -> None:
        """One stroke."""
        if stroke == "node":
            self.in_flight_counts.append((stroke, self._lose_node(chance)))
            return
        posts = self.fleet.apis if stroke == "api" else self.fleet.workers
        post = chance.choice(posts)
        self.in_flight_counts.append((stroke, self._stop_amid_work(post)))
        if stroke == "sleep":
            until_past = time.monotonic() + self.lease_seconds + 1.0
            wait_until(lambda: time.monotonic() > until_past, 60, "the lease is over")
            post.signal(signal.SIGCONT)
            return
        self.fleet.end(post)
        self.fleet.start_process(post, keeps_name=post.role == "worker" and chance.random() < 0.5)
        if post.role == "api":
            self.fleet.wait_for(post)

    def _lose_node(self, chance: random.Random) -> int:
        """Kill a node, see its worker's accounts taken over, bring it back; what was in flight."""
        assert self.cluster is not None
        node = chance.choice(self.cluster.nodes)
        posts = self.fleet.at_node(node.number)
        elsewhere = self.fleet.dsns[(node.number + 1) % len(self.fleet.dsns)]
        workers = [post for post in posts if post.role == "worker"]
        wait_until(lambda: all(map(self._is_at_home, workers)), STROKE_SECONDS_MAX, "leases there")
        self.storm.add(self.storm.clients)
        # A node that is stopped is soon left behind by the others, so it is not: it dies a moment
        # after work was seen there.
        waits = wait_until(
            lambda: sum(map(self._waiting, posts)), STROKE_SECONDS_MAX, "work at the node"
        )
        self.cluster.kill_node(node)
        self.storm.add(self.storm.clients * 4)
        gone = {post.owner for post in workers}
        wait_until(
            lambda: not gone & self.fleet.lease_counts(elsewhere).keys(), 30, f"{gone} are replaced"
        )
        self.cluster.rejoin(node)
        for post in posts:
            if post.role == "api":
                self.fleet.wait_for(post)
        return waits

    def _stop_amid_work(self, post: ProcessSlot) -> int:
        """Stop the process with work before it; how much that is."""
        deadline = time.monotonic() + STROKE_SECONDS_MAX
        while time.monotonic() < deadline:
            if post.role == "worker":
                wait_until(
                    lambda: self._is_at_home(post), STROKE_SECONDS_MAX, f"{post.owner} has work"
                )
            post.signal(signal.SIGSTOP)
            gathered = time.monotonic() + GATHER_SECONDS
            while time.monotonic() < gathered:
                if waits := self._waiting(post):
                    return waits
            post.signal(signal.SIGCONT)
            self.storm.add(self.storm.clients)  # what was allowed may be used up
        raise AssertionError(f"nothing was ever in flight at {post.role} {post.number}")

    def _is_at_home(self, post: ProcessSlot) -> bool:
        """Whether the worker holds accounts; one that has just begun needs a moment."""
        return self.fleet.lease_counts().get(post.owner, 0) > 0

    def _waiting(self, post: ProcessSlot) -> int:
        if post.role == "api":
            return self.storm.in_flight(post.base_url)
        return self.fleet.queued_for(post)
