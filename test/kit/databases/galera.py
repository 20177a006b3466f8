"""A private Galera cluster for tests: nodes that replicate to each other on 127.0.0.1.

All nodes start from copies of one data folder, so that only write sets are transferred: a node that
rejoins gets the missing ones from another's gcache (IST). A full state transfer (SST) is refused,
because it needs the scripts of Debian's full server package, which installs a service. Only
processes started here are ended, by pid.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pymysql

from kit.databases.mariadb import START_SECONDS_MAX, MariaDBFailed, PrivateMariaDB
from kit.free_ports import free_port
from kit.polling import wait_until
from kit.private_server import PrivateServer

PROVIDER = Path("/usr/lib/galera/libgalera_smm.so")
INSTALL_LINE = (
    "DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y"
    " --no-install-recommends galera-4"
)
#: Time after which an unresponsive node is evicted; the defaults are 5 and 15 s.
EVICTION_OPTIONS = (
    "evs.keepalive_period=PT0.3S;evs.inactive_check_period=PT0.3S;"
    "evs.suspect_timeout=PT1S;evs.inactive_timeout=PT3S"
)
#: Counters of aborted transactions: at certification (COMMIT), or while they hold locks.
ABORT_COUNTERS = ("cert_failures", "bf_aborts")
#: Run by the server at donor and joiner when a node joins; both share the local disk.
TRANSFER_SCRIPT = """#!/bin/sh
bypass=no
while [ $# -gt 0 ]; do
  case "$1" in
    --role) role=$2; shift ;;
    --address) address=$2; shift ;;
    --gtid) gtid=$2; shift ;;
    --bypass) bypass=yes ;;
  esac
  shift
done
if [ "$role" = joiner ]; then
  rm -f "$OMS_TEST_MAILBOX"
  echo "ready $OMS_TEST_MAILBOX"
  until [ -s "$OMS_TEST_MAILBOX" ]; do
    kill -0 "$PPID" || exit 1
    sleep 0.05
  done
  cat "$OMS_TEST_MAILBOX"
else
  [ "$bypass" = yes ] || { echo "only write sets are sent" >&2; exit 1; }
  echo "$gtid" >"$address.draft" && mv "$address.draft" "$address"
  echo "done $gtid"
fi
"""
_RECOVERED = re.compile(r"Recovered position: *([0-9a-f-]{36}:-?\d+)")


class GaleraNode(PrivateMariaDB):
    """One node; ``stop``, ``kill`` and ``close`` are those of any server."""

    def __init__(self, number: int, transfer: Path) -> None:
        super().__init__()
        self.number = number
        self.group_port = free_port()
        paths = [str(transfer), os.environ.get("PATH", ""), "/usr/sbin"]
        self._environment = os.environ | {
            "PATH": os.pathsep.join(paths),
            "OMS_TEST_MAILBOX": str(self._folder / "mailbox"),
        }

    def prepare_data(self, seed: "GaleraNode | None" = None) -> None:
        """Create the data folder, or copy that of ``seed``, which must be stopped."""
        if seed is None:
            self._install()
        else:
            shutil.copytree(seed._data, self._data)

    def bootstrap(self) -> None:
        """Start as the first node of a new cluster."""
        self._start_node("gcomm://", "--wsrep-new-cluster")

    def join(self, others: Sequence["GaleraNode"]) -> None:
        """Start, recover the position of the data, and receive the missing write sets (IST)."""
        address = ",".join(f"127.0.0.1:{node.group_port}" for node in others)
        self._options = self._server_options(f"gcomm://{address}")
        self._start_node(
            f"gcomm://{address}", f"--wsrep-start-position={self._recovered_position()}"
        )

    def status(self, name: str) -> str:
        """A status variable, such as ``wsrep_cluster_size``."""
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SHOW GLOBAL STATUS LIKE '{name}'")
                row = cursor.fetchone()
        finally:
            connection.close()
        assert row is not None, f"no status variable is named {name}"
        return str(row[1])

    def aborted_transactions(self) -> dict[str, int]:
        """Transactions of this node that others have aborted since its start, by counter."""
        return {name: int(self.status(f"wsrep_local_{name}")) for name in ABORT_COUNTERS}

    def cluster_size(self) -> int:
        """Size of the primary component that contains this node; 0 if it is not primary."""
        is_primary = self.status("wsrep_cluster_status") == "Primary"
        return int(self.status("wsrep_cluster_size")) if is_primary else 0

    def isolate(self) -> None:
        """Isolate the node from the cluster until ``reconnect`` or its next start."""
        self._execute("SET GLOBAL wsrep_provider_options = 'gmcast.isolate=1'")
        wait_until(lambda: self.status("wsrep_ready") == "OFF", 20, "the node is not ready")

    def reconnect(self) -> None:
        """End the isolation; the node receives what it lacks."""
        self._execute("SET GLOBAL wsrep_provider_options = 'gmcast.isolate=0'")

    def is_synced(self) -> bool:
        """Whether the node answers and is in state Synced."""
        try:
            return self.status("wsrep_local_state_comment") == "Synced"
        except pymysql.err.MySQLError:
            self._raise_if_ended()
            return False

    def _start_node(self, address: str, *more: str) -> None:
        self._options = self._server_options(address, *more)
        self.start()
        wait_until(self.is_synced, START_SECONDS_MAX, f"node {self.number} is synced")

    def _recovered_position(self) -> str:
        """The position of the data (``uuid:seqno``) that ``--wsrep-recover`` reports."""
        done = subprocess.run(
            [*self._server_command(), "--wsrep-recover", "--log-error-verbosity=3"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS_MAX,
            check=False,
        )
        output = _RECOVERED.findall(done.stdout + done.stderr)
        if not output:
            raise MariaDBFailed(f"no position was recovered:\n{done.stderr[-2000:]}")
        return str(output[-1])

    def _server_options(self, address: str, *more: str) -> tuple[str, ...]:
        here = "127.0.0.1"
        ist_port = free_port()  # Bound during a join only: an old choice may be taken by then.
        provider = (
            f"base_host={here};base_port={self.group_port};"
            f"gmcast.listen_addr=tcp://{here}:{self.group_port};"
            f"ist.recv_addr={here}:{ist_port};"
            f"ist.recv_bind={here}:{ist_port};"
            f"gcache.size=128M;pc.recovery=false;{EVICTION_OPTIONS}"
        )
        return (
            "--wsrep-on=ON",
            f"--wsrep-provider={PROVIDER}",
            f"--wsrep-provider-options={provider}",
            f"--wsrep-cluster-address={address}",
            f"--wsrep-node-address={here}",
            f"--wsrep-node-name=node{self.number}",
            "--wsrep-sst-method=oms",
            "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2",
            *more,
        )


class GaleraCluster(PrivateServer):
    """`with GaleraCluster(3) as cluster:` starts the nodes; on exit their data is removed."""

    def __init__(self, size: int) -> None:
        if not PROVIDER.exists():
            raise MariaDBFailed(f"{PROVIDER} is missing; install it as root: {INSTALL_LINE}")
        self._folder = Path(tempfile.mkdtemp(prefix="omscluster"))
        self._lost: Counter[str] = Counter()
        script = self._folder / "wsrep_sst_oms"
        script.write_text(TRANSFER_SCRIPT, encoding="ascii")
        script.chmod(0o755)
        self.nodes = [GaleraNode(number, self._folder) for number in range(size)]

    def kill_node(self, node: GaleraNode) -> None:
        """Kill a node; its abort counters are kept."""
        self._lost.update(node.aborted_transactions())
        node.kill()

    def rejoin(self, node: GaleraNode) -> None:
        """Start a killed node; all others must be running.

        Waits until the others have evicted it: a node that rejoins earlier may cost them quorum.
        """
        others = [other for other in self.nodes if other is not node]
        for other in others:
            wait_until(
                lambda at=other: at.cluster_size() == len(others), 30, "the others have evicted it"
            )
        node.join(others)

    def wait_until_whole(self) -> None:
        """Wait until all nodes are members and synced."""
        size = len(self.nodes)
        for node in self.nodes:
            wait_until(
                lambda at=node: at.is_synced() and at.cluster_size() == size,
                60,
                f"node {node.number} is one of {size} that are synced",
            )

    def dsns(self, database: str) -> list[str]:
        """The URLs of one database, one per node."""
        return [node.dsn(database, driver="asyncmy") for node in self.nodes]

    def aborted_transactions(self) -> dict[str, int]:
        """Aborted transactions of all nodes so far, by counter."""
        output = Counter(self._lost)
        for node in self.nodes:
            output.update(node.aborted_transactions())
        return dict(output)

    def close(self) -> None:
        """End all nodes and remove their folders."""
        for node in self.nodes:
            node.kill()
            node.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start all nodes as one cluster."""
        first, *others = self.nodes
        first.prepare_data()
        first.bootstrap()  # sets cluster id and position, which all copies share
        first.stop()
        for node in others:
            node.prepare_data(first)
        first.bootstrap()
        for node in others:
            node.join(self.nodes[: node.number])
        size = len(self.nodes)
        wait_until(lambda: first.cluster_size() == size, 20, f"a cluster of {size} nodes")
