"""A Galera cluster: concurrent requests to several nodes, and an isolated node.

Nodes do not wait for each other's locks: the second transaction is aborted, at any of its
statements or at COMMIT, and repeated as a whole.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pymysql
import pytest

from kit.databases.galera import GaleraCluster
from kit.databases.haproxy import USERS, HaProxy
from kit.databases.mariadb import MariaDBFailed
from kit.databases.sql import fetch_number
from kit.databases.store_rows import a_command, a_fill, a_lease, an_account, enqueue
from kit.polling import wait_until
from oms.adapters.sql.connection.database import Database, connect
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.store import SqlStore
from oms.domain.commands.command import CommandResult, CommandStatus
from oms.domain.errors import Unavailable
from oms.ports.command_queue import Submission
from oms.ports.ledger_store import AccountBatch

Opener = Callable[[], Awaitable[SqlStore]]
ROUNDS = 40
#: Repetitions of a race that is lost about once in 80.
RACES = 160
_RAISE = "UPDATE id_blocks SET next_id = next_id + %s WHERE name = 'deal'"
_NEXT = "SELECT next_id FROM id_blocks WHERE name = 'deal'"


async def test_one_request_sent_to_all_nodes_concurrently_is_one_command(
    another: Opener, galera: GaleraCluster
) -> None:
    stores = [await another() for _ in range(3)]
    account_id = await an_account(stores[0])
    aborted_transactions = galera.aborted_transactions()["cert_failures"]
    for number in range(ROUNDS):
        commands = [
            a_command(3 * number + place + 1, account_id, request_id=f"r{number}")
            for place in range(3)
        ]
        results = await asyncio.gather(
            *(
                store.queue.enqueue([Submission(commands=(command,))])
                for store, command in zip(stores, commands, strict=True)
            )
        )
        assert len({result[0].ids for result in results}) == 1
        assert sum(bool(result[0].replayed) for result in results) == 2
    for store in stores:
        assert len(await store.queue.take([account_id], 1000)) == ROUNDS
    assert galera.aborted_transactions()["cert_failures"] > aborted_transactions, (
        "no COMMIT failed certification"
    )


async def test_commit_of_one_node_is_visible_at_the_next(another: Opener) -> None:
    first, second, third = [await another() for _ in range(3)]
    lease = await a_lease(first, await an_account(first))
    for seq in range(1, ROUNDS + 1):
        await enqueue(second, [a_command(seq, lease.account_id)])
        assert [row.id for row in await third.queue.take([lease.account_id], 9)] == [seq]
        assert not await first.ledger.commit([a_fill(lease, seq, seq)])
        assert (await second.queue.find([seq]))[seq].status.is_final
        assert (await third.history.snapshot(lease.account_id, 9)).seq == seq
        assert len(await second.history.events({lease.account_id: seq - 1}, 9)) == 1


async def test_lease_is_granted_by_one_node_only(another: Opener) -> None:
    stores = [await another() for _ in range(3)]
    ids = [await an_account(stores[0], f"a{number}") for number in range(20)]
    taken = await asyncio.gather(
        *(store.leases.acquire(f"w{place}", ids, 60) for place, store in enumerate(stores))
    )
    assert sorted(lease.account_id for leases in taken for lease in leases) == ids


async def test_new_owner_and_old_owner_without_events_conflict(
    another: Opener,
) -> None:
    """A batch without events does not advance the head; on one server its lock excludes others."""
    old, new = await another(), await another()
    for number in range(1, RACES + 1):
        account_id = await an_account(old, f"a{number}")
        lease = await a_lease(old, account_id)
        await enqueue(old, [a_command(number, account_id)])
        await old.leases.release("w1", [lease])
        done = {number: CommandResult(status=CommandStatus.DONE)}
        batch = AccountBatch(lease=lease, head_before=0, head_after=0, results=done)
        lost, waiting = await asyncio.gather(
            old.ledger.commit([batch]), _take_over(new, account_id)
        )
        assert waiting == ([number] if lost else [])


async def test_batch_without_events_keeps_the_head(another: Opener) -> None:
    store = await another()
    lease = await a_lease(store, await an_account(store))
    batch = AccountBatch(lease=lease, head_before=0, head_after=0)
    assert not await store.ledger.commit(
        [
            batch,
        ]
    )
    assert (await store.ledger.load(lease)).head_seq == 0


@pytest.mark.usefixtures("another")
async def test_transaction_aborted_between_two_statements_is_repeated_completely(
    place: object, galera: GaleraCluster
) -> None:
    """A driver that hides an error of PREPARE would go on without the first statement."""
    urls = (place.url, *place.more_urls)  # type: ignore[attr-defined]
    ours, theirs = [await connect(url) for url in urls[:2]]
    starts: list[int] = []

    async def work(session: Session) -> int:
        starts.append(len(starts))
        await session.execute(_RAISE, [1])
        if len(starts) == 1:
            aborts = _aborts(galera)
            await _write_concurrently(theirs)
            wait_until(lambda: _aborts(galera) > aborts, 10, "the transaction is aborted")
        return int((await session.fetch(_NEXT))[0][0])

    try:
        before = int((await ours.fetch(_NEXT))[0][0])
        assert await ours.write(work) == before + 101
        assert len(starts) == 2
    finally:
        await ours.close()
        await theirs.close()


async def test_isolated_node_refuses_statements_until_it_rejoins(
    another: Opener, galera: GaleraCluster
) -> None:
    first, second = await another(), await another()
    account_id = await an_account(first)
    alone = galera.nodes[1]
    alone.isolate()
    try:
        with pytest.raises(Unavailable):
            await second.queue.depths()
        with pytest.raises(Unavailable):
            await enqueue(second, [a_command(1, account_id, request_id="r")])
        await enqueue(first, [a_command(2, account_id, request_id="r")])
    finally:
        galera.kill_node(alone)
        galera.rejoin(alone)
    (again,) = await second.queue.enqueue(
        [Submission(commands=(a_command(3, account_id, request_id="r"),))]
    )
    assert again.ids == (2,)


def test_proxy_uses_one_node_until_it_leaves_its_cluster(
    galera: GaleraCluster, tmp_path: Path
) -> None:
    first = galera.nodes[0]
    first.execute_file(USERS)

    def ports() -> tuple[int, int]:
        return tuple(  # type: ignore[return-value]
            fetch_number(proxy.dsn("mysql", for_reads=for_reads), "SELECT @@port")
            for for_reads in (False, True)
        )

    with HaProxy(tmp_path, [node.port for node in galera.nodes]) as proxy:
        writes, reads = ports()
        assert writes == first.port
        assert reads != first.port
        started_at = time.monotonic()
        first.isolate()
        wait_until(lambda: not _error(proxy), 20, "another node takes the writes")
        print(f"{time.monotonic() - started_at:.1f} s until another node takes the writes")
        # Until the others agree that it is gone, they may refuse reads and the writes may move on.
        wait_until(lambda: _up(proxy) == {"node2", "node3"}, 20, "the proxy sees the others alone")
        substitute = ports()[0]
        assert substitute != first.port
        first.reconnect()
        galera.wait_until_whole()
        wait_until(lambda: "node1" in _up(proxy), 20, "the proxy sees it again")
        assert ports()[0] == substitute, "a node that returns does not take the writes back"


def _error(proxy: HaProxy) -> str:
    """The error of a statement over the proxy; empty if there is none."""
    try:
        fetch_number(proxy.dsn("mysql"), "SELECT COUNT(*) FROM haproxy_check.node")
    except pymysql.err.MySQLError as error:
        return repr(error)
    return ""


def _up(proxy: HaProxy) -> set[str]:
    """The nodes that may take the writes, by the checks of the proxy."""
    rows = [line.split(",") for line in proxy.command("show stat").splitlines()]
    return {row[1] for row in rows if row[0] == "writer" and row[1] != "BACKEND" and "UP" in row}


def test_missing_galera_library_names_the_package_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("kit.databases.galera.PROVIDER", tmp_path / "libgalera_smm.so")
    with pytest.raises(MariaDBFailed, match=r"\A[^\n]+ install .*galera-4\Z"):
        GaleraCluster(3)


async def _write_concurrently(database: Database) -> None:
    async def work(session: Session) -> None:
        await session.execute(_RAISE, [100])

    await database.write(work)


async def _take_over(store: SqlStore, account_id: int) -> list[int]:
    """Take the lease; returns the queued commands."""
    await a_lease(store, account_id, "w2")
    return [row.id for row in await store.queue.take([account_id], 9)]


def _aborts(cluster: GaleraCluster) -> int:
    return cluster.nodes[0].aborted_transactions()["bf_aborts"]
