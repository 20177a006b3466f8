"""A private Galera cluster for tests: nodes that replicate to each other on 127.0.0.1.

All nodes begin from copies of one data folder, so that nothing but write sets ever travels: a node
that comes back gets what it missed from another's memory (IST). A whole copy (SST) is refused: it
needs the scripts of Debian's full server package, which leaves a service behind. Ends only
processes that it started, by pid.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pymysql

from kit.databases.mariadb import START_SECONDS_MAX, MariaDBFailed, PrivateMariaDB
from kit.free_ports import free_port
from kit.polling import wait_until

PROVIDER = Path("/usr/lib/galera/libgalera_smm.so")
INSTALL_LINE = (
    "DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y"
    " --no-install-recommends galera-4"
)
#: How soon a node that is silent is left behind by the others; the defaults are 5 and 15 s.
PATIENCE = (
    "evs.keepalive_period=PT0.3S;evs.inactive_check_period=PT0.3S;"
    "evs.suspect_timeout=PT1S;evs.inactive_timeout=PT3S"
)
#: A transaction is overtaken at its COMMIT, or while it holds what the other's rows need.
OVERTAKEN = ("cert_failures", "bf_aborts")
#: Run by the server on both sides when a node joins; donor and joiner share this machine's disk.
TRANSFER = """#!/bin/sh
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
        self._transfer_port = free_port()
        places = [str(transfer), os.environ.get("PATH", ""), "/usr/sbin"]
        self._environment = os.environ | {
            "PATH": os.pathsep.join(places),
            "OMS_TEST_MAILBOX": str(self._folder / "mailbox"),
        }

    def prepare_data(self, seed: "GaleraNode | None" = None) -> None:
        """Make the data folder, or copy the one of a node that does not run."""
        if seed is None:
            self._install()
        else:
            shutil.copytree(seed._data, self._data)

    def begin(self) -> None:
        """Start as the first node of a new cluster."""
        self._enter("gcomm://", "--wsrep-new-cluster")

    def join(self, others: Sequence["GaleraNode"]) -> None:
        """Start and get what was missed, from wherever a kill has left the data."""
        address = ",".join(f"127.0.0.1:{node.group_port}" for node in others)
        self._options = self._words(f"gcomm://{address}")
        self._enter(f"gcomm://{address}", f"--wsrep-start-position={self._recovered()}")

    def status(self, name: str) -> str:
        """A status variable, such as ``wsrep_cluster_size``."""
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SHOW GLOBAL STATUS LIKE '{name}'")
                found = cursor.fetchone()
        finally:
            connection.close()
        assert found is not None, f"no status variable is called {name}"
        return str(found[1])

    def aborted_transactions(self) -> dict[str, int]:
        """Its transactions that another node's has undone since it started."""
        return {word: int(self.status(f"wsrep_local_{word}")) for word in OVERTAKEN}

    def cluster_size(self) -> int:
        """How many nodes have the majority together, this one among them; 0 without one."""
        is_primary = self.status("wsrep_cluster_status") == "Primary"
        return int(self.status("wsrep_cluster_size")) if is_primary else 0

    def isolate(self) -> None:
        """Hear and tell the other nodes nothing any more, until it is started anew."""
        self._execute("SET GLOBAL wsrep_provider_options = 'gmcast.isolate=1'")
        wait_until(
            lambda: self.status("wsrep_ready") == "OFF", 20, "the node knows that it is alone"
        )

    def is_synced(self) -> bool:
        """Whether it answers and has all that the cluster has."""
        try:
            return self.status("wsrep_local_state_comment") == "Synced"
        except pymysql.err.MySQLError:
            self._give_up_if_ended()
            return False

    def _enter(self, address: str, *more: str) -> None:
        self._options = self._words(address, *more)
        self.start()
        wait_until(self.is_synced, START_SECONDS_MAX, f"node {self.number} is synced")

    def _recovered(self) -> str:
        """How far the data is, as the storage engine tells after a crash."""
        done = subprocess.run(
            [*self._server_command(), "--wsrep-recover", "--log-error-verbosity=3"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS_MAX,
            check=False,
        )
        found = _RECOVERED.findall(done.stdout + done.stderr)
        if not found:
            raise MariaDBFailed(f"no position was recovered:\n{done.stderr[-2000:]}")
        return str(found[-1])

    def _words(self, address: str, *more: str) -> tuple[str, ...]:
        here = "127.0.0.1"
        provider = (
            f"base_host={here};base_port={self.group_port};"
            f"gmcast.listen_addr=tcp://{here}:{self.group_port};"
            f"ist.recv_addr={here}:{self._transfer_port};"
            f"ist.recv_bind={here}:{self._transfer_port};"
            f"gcache.size=128M;pc.recovery=false;{PATIENCE}"
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


class GaleraCluster:
    """`with GaleraCluster(3) as cluster:` starts the nodes and leaves no trace of them."""

    def __init__(self, size: int) -> None:
        if not PROVIDER.exists():
            raise MariaDBFailed(f"{PROVIDER} is missing; install it as root: {INSTALL_LINE}")
        self._folder = Path(tempfile.mkdtemp(prefix="omscluster"))
        self._lost: Counter[str] = Counter()
        script = self._folder / "wsrep_sst_oms"
        script.write_text(TRANSFER, encoding="ascii")
        script.chmod(0o755)
        self.nodes = [GaleraNode(number, self._folder) for number in range(size)]

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def kill_node(self, node: GaleraNode) -> None:
        """Kill a node; what it counted is kept."""
        self._lost.update(node.aborted_transactions())
        node.kill()

    def rejoin(self, node: GaleraNode) -> None:
        """Start a node that has ended; the others must live.

        Who comes back while they still look for it may cost all of them their majority.
        """
        others = [other for other in self.nodes if other is not node]
        for other in others:
            wait_until(
                lambda at=other: at.cluster_size() == len(others), 30, "the others have given it up"
            )
        node.join(others)

    def dsns(self, database: str) -> list[str]:
        """The URL of one database at each node."""
        return [node.dsn(database, driver="asyncmy") for node in self.nodes]

    def aborted_transactions(self) -> dict[str, int]:
        """How many transactions another node's has undone so far, by where they were caught."""
        found = Counter(self._lost)
        for node in self.nodes:
            found.update(node.aborted_transactions())
        return dict(found)

    def close(self) -> None:
        """End all nodes and remove their folders."""
        for node in self.nodes:
            node.kill()
            node.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        first, *others = self.nodes
        first.prepare_data()
        first.begin()  # gives the data its name and position, which all copies share
        first.stop()
        for node in others:
            node.prepare_data(first)
        first.begin()
        for node in others:
            node.join(self.nodes[: node.number])
        size = len(self.nodes)
        wait_until(lambda: first.cluster_size() == size, 20, f"a cluster of {size} nodes")
