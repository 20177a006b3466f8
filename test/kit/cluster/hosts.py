"""A gateway on hosts of its own: each process has a proxy to the database, and folder of sockets.

Two API processes and three workers on five hosts share three database nodes and Redis, and nothing
else. The hosts are folders and ports of one machine.
"""

from collections.abc import Mapping
from pathlib import Path

from kit.databases.galera import GaleraCluster
from kit.databases.haproxy import HaProxy
from kit.databases.redis import PrivateRedis
from kit.gateway.fleet import Fleet, ProcessSlot


class ClusterHosts(Fleet):
    """Starts Redis, proxies and processes; the database cluster is that of the caller.

    With ``has_many_writers`` the proxies prefer different nodes, else all the first one.
    Its own reads of the database go to the first node, past the proxies.
    """

    def __init__(
        self,
        folder: Path,
        cluster: GaleraCluster,
        database: str,
        environment: Mapping[str, str] | None = None,
        *,
        has_many_writers: bool = False,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.cluster = cluster
        self.redis = PrivateRedis(folder)
        shared = {"OMS_REDIS_URL": self.redis.url, **(environment or {})}
        super().__init__(folder, dsns=cluster.dsns(database), environment=shared)
        self.slots = [*self.apis, *self.workers]
        ports = [node.port for node in cluster.nodes]
        self.proxies: list[HaProxy] = []
        for host in range(len(self.slots)):
            first = host % len(ports) if has_many_writers else 0
            self.proxies.append(HaProxy(folder / f"h{host}", ports[first:] + ports[:first]))
        for slot, proxy in zip(self.slots, self.proxies, strict=True):
            slot.dsn = proxy.dsn(database)
        #: Processes that ended without a fault and were started again.
        self.ended_alone = 0

    def start(self) -> None:
        """Start everything and wait until every API is ready."""
        self.redis.start()
        for proxy in self.proxies:
            proxy.start()
        super().start()

    def stop(self) -> None:
        """End everything that was started here."""
        super().stop()
        for proxy in self.proxies:
            proxy.close()
        self.redis.kill()

    def slot_environment(self, slot: ProcessSlot) -> dict[str, str]:
        """See ``Fleet``."""
        folder = self.folder / f"h{self.slots.index(slot)}"
        return super().slot_environment(slot) | {"OMS_NOTIFIER_DIR": str(folder)}

    def proxy_of(self, slot: ProcessSlot) -> HaProxy:
        """The proxy on the host of a process."""
        return self.proxies[self.slots.index(slot)]

    def restart_ended(self) -> None:
        """Start processes again that ended, as the supervisor of a host does."""
        for slot in self.slots:
            if slot.process is not None and slot.process.poll() is not None:
                self.ended_alone += 1
                self.start_process(slot)
