"""The parts of a cluster, each of which can be killed, paused and cut off, and back again."""

import random
import signal
from dataclasses import dataclass
from typing import Protocol

from kit.cluster.hosts import ClusterHosts
from kit.databases.galera import GaleraCluster, GaleraNode
from kit.databases.haproxy import HaProxy
from kit.databases.redis import PrivateRedis
from kit.gateway.fleet import ProcessSlot


class Part(Protocol):
    """One part; the second of two methods ends what the first began, and waits for it."""

    def kill(self) -> None:
        """SIGKILL."""

    def start(self) -> None:
        """Start it again."""

    def pause(self) -> None:
        """SIGSTOP."""

    def resume(self) -> None:
        """SIGCONT."""

    def cut(self) -> None:
        """Disconnect it from the others."""

    def connect(self) -> None:
        """End the disconnection."""


@dataclass(frozen=True, slots=True)
class NodePart:
    """A database node; it is cut off from the other nodes, not from its clients."""

    cluster: GaleraCluster
    node: GaleraNode

    def kill(self) -> None:
        """See ``Part``."""
        self.cluster.kill_node(self.node)

    def start(self) -> None:
        """See ``Part``."""
        self.cluster.rejoin(self.node)
        self.cluster.wait_until_whole()

    def pause(self) -> None:
        """See ``Part``."""
        self.node.pause()

    def resume(self) -> None:
        """See ``Part``."""
        self.node.resume()
        self.cluster.wait_until_whole()

    def cut(self) -> None:
        """See ``Part``."""
        self.node.isolate()

    def connect(self) -> None:
        """See ``Part``."""
        self.node.reconnect()
        self.cluster.wait_until_whole()


@dataclass(frozen=True, slots=True)
class ProcessPart:
    """An API process or a worker; it is cut off from the database."""

    hosts: ClusterHosts
    slot: ProcessSlot
    random_source: random.Random

    def kill(self) -> None:
        """See ``Part``."""
        self.hosts.kill_process(self.slot)

    def start(self) -> None:
        """See ``Part``."""
        keeps_name = self.slot.role == "worker" and self.random_source.random() < 0.5
        self.hosts.start_process(self.slot, keeps_name=keeps_name)
        self._wait()

    def pause(self) -> None:
        """See ``Part``."""
        self.slot.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """See ``Part``."""
        self.slot.signal(signal.SIGCONT)
        self._wait()

    def cut(self) -> None:
        """See ``Part``."""
        self.hosts.proxy_of(self.slot).refuse_clients()

    def connect(self) -> None:
        """See ``Part``."""
        self.hosts.proxy_of(self.slot).accept_clients()
        self._wait()

    def _wait(self) -> None:
        if self.slot.role == "api":
            self.hosts.wait_ready(self.slot)


@dataclass(frozen=True, slots=True)
class RedisPart:
    """The server of notifications."""

    redis: PrivateRedis

    def kill(self) -> None:
        """See ``Part``."""
        self.redis.kill()

    def start(self) -> None:
        """See ``Part``."""
        self.redis.start()

    def pause(self) -> None:
        """See ``Part``."""
        self.redis.pause()

    def resume(self) -> None:
        """See ``Part``."""
        self.redis.resume()

    def cut(self) -> None:
        """See ``Part``."""
        self.redis.refuse_clients()

    def connect(self) -> None:
        """See ``Part``."""
        self.redis.accept_clients()


@dataclass(frozen=True, slots=True)
class ProxyPart:
    """The proxy of a host; it is cut off from the nodes."""

    proxy: HaProxy

    def kill(self) -> None:
        """See ``Part``."""
        self.proxy.kill()

    def start(self) -> None:
        """See ``Part``."""
        self.proxy.start()

    def pause(self) -> None:
        """See ``Part``."""
        self.proxy.pause()

    def resume(self) -> None:
        """See ``Part``."""
        self.proxy.resume()

    def cut(self) -> None:
        """See ``Part``."""
        self.proxy.leave_nodes()

    def connect(self) -> None:
        """See ``Part``."""
        self.proxy.use_nodes()
