"""The command queue: durable, ordered, without duplicates."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from kit.databases.store_rows import NOON, a_command, a_lease, an_account, enqueue, seconds_after
from oms.adapters.sql.queue.command_queue import ACCOUNTS_PER_QUERY_MAX
from oms.adapters.sql.store import SqlStore
from oms.domain.commands.command import CommandResult, CommandStatus
from oms.domain.errors import Refused
from oms.ports.command_queue import EnqueueResult, IdempotencyKeyRow, Submission
from oms.ports.leases import Lease
from oms.ports.ledger_store import AccountBatch

DONE = CommandResult(status=CommandStatus.DONE, order_id=77)


def a_key(name: str = "key", fingerprint: str = "body") -> IdempotencyKeyRow:
    return IdempotencyKeyRow(
        scope_hash=name, fingerprint=fingerprint, expires_at=seconds_after(3600)
    )


async def next_time(store: SqlStore) -> None:
    """Wait until the time of the database, as commands have it, is another one."""
    database = store.queue._database
    first = now = await database.fetch(f"SELECT {database.dialect.now}")
    while now == first:
        now = await database.fetch(f"SELECT {database.dialect.now}")


async def finish(store: SqlStore, lease: Lease, result: CommandResult, *ids: int) -> None:
    batch = AccountBatch(
        lease=lease, head_before=0, head_after=0, results=dict.fromkeys(ids, result)
    )
    assert not await store.ledger.commit([batch])


async def test_stored_command_round_trips(store: SqlStore) -> None:
    account_id = await an_account(store)
    command = replace(
        a_command(1, account_id, request_id="Ä 100% 'q' \\", payload='{"a":"é\\n%s %(x)s ?"}'),
        comment="why not",
    )

    (stored,) = await store.queue.enqueue([Submission(commands=(command,))])
    (row,) = await store.queue.take([account_id], 10)

    assert stored == EnqueueResult(ids=(1,))
    assert (row.id, row.account_id, row.command_type) == (1, account_id, "send_order")
    assert (row.payload, row.fingerprint) == (command.payload, command.fingerprint)
    assert (row.actor, row.created_at) == (command.actor, NOON)
    assert (row.request_id, row.comment) == (command.request_id, "why not")
    assert (row.status, row.attempts, row.finished_at) == (CommandStatus.QUEUED, 0, None)
    assert (await store.queue.find([1, 2])) == {1: row}


async def test_commands_are_ordered_by_time_then_id_over_all_accounts(store: SqlStore) -> None:
    await enqueue(
        store,
        [
            a_command(3, 1, at=0),
            a_command(1, 2, at=2),
            a_command(2, 1, at=0),
            a_command(4, 2, at=1),
        ],
    )

    taken = await store.queue.take([1, 2], 10)

    assert [row.id for row in taken] == [2, 3, 4, 1]
    assert [row.id for row in await store.queue.take([1, 2], 2)] == [2, 3]
    assert [row.id for row in await store.queue.take([2], 10)] == [4, 1]
    assert [row.id for row in await store.queue.take([2], 10)] == [4, 1]
    assert list(await store.queue.take([], 10)) == []
    assert await store.queue.depths() == {1: 2, 2: 2}


async def test_clocks_of_hosts_do_not_decide_the_order(store: SqlStore) -> None:
    """The host of every second command is 5 s ahead; each is stored after the one before was."""
    for number in range(1, 7):
        await enqueue(store, [a_command(number, 1, at=5 if number % 2 else 0)])
        await next_time(store)  # SQLite, which has one host, counts milliseconds
    assert [row.id for row in await store.queue.take([1], 10)] == [1, 2, 3, 4, 5, 6]
    assert [row.id for row in await store.queue.take([1], 4)] == [1, 2, 3, 4]


async def test_duplicate_request_id_returns_the_first_command(store: SqlStore) -> None:
    await enqueue(store, [a_command(1, 1, request_id="r")])

    again, other_account, other_payload = await store.queue.enqueue(
        [
            Submission(commands=(a_command(2, 1, request_id="r"),)),
            Submission(commands=(a_command(3, 2, request_id="r"),)),
            Submission(
                commands=(
                    a_command(4, 1, request_id="r", fingerprint="other"),
                    a_command(5, 1, request_id="fresh"),
                )
            ),
        ]
    )

    assert again == EnqueueResult(ids=(1,), replayed=frozenset({0}))
    assert other_account == EnqueueResult(ids=(3,))
    assert other_payload == EnqueueResult(ids=(1, 5), mismatched=frozenset({0}))
    assert sorted(await store.queue.find([1, 2, 3, 4, 5])) == [1, 3, 5]


async def test_duplicates_within_a_group_return_the_first_command(store: SqlStore) -> None:
    first, second, third = await store.queue.enqueue(
        [
            Submission(commands=(a_command(1, 1, request_id="r"), a_command(2, 1, request_id="r"))),
            Submission(commands=(a_command(3, 1, request_id="r"),)),
            Submission(commands=(a_command(4, 1, request_id="r", fingerprint="other"),)),
        ]
    )

    assert first == EnqueueResult(ids=(1, 1), replayed=frozenset({1}))
    assert second == EnqueueResult(ids=(1,), replayed=frozenset({0}))
    assert third == EnqueueResult(ids=(1,), mismatched=frozenset({0}))
    assert sorted(await store.queue.find([1, 2, 3, 4])) == [1]


async def test_request_ids_are_compared_byte_by_byte(store: SqlStore) -> None:
    names = ["r", "R", "r ", " r", "ŕ", "r\u0301"]
    submissions = [
        Submission(commands=(a_command(index, 1, request_id=name),))
        for index, name in enumerate(names, start=1)
    ]

    await store.queue.enqueue(submissions)
    again = await store.queue.enqueue(
        [
            Submission(commands=(a_command(index + 10, 1, request_id=name),))
            for index, name in enumerate(names, start=1)
        ]
    )

    assert [stored.ids for stored in again] == [(index,) for index in range(1, 7)]
    assert all(stored.replayed for stored in again)


async def test_used_idempotency_key_stores_nothing(store: SqlStore) -> None:
    (first,) = await store.queue.enqueue(
        [Submission(commands=(a_command(1, 1), a_command(2, 1)), key=a_key())]
    )
    again, same_group, other_key = await store.queue.enqueue(
        [
            Submission(commands=(a_command(3, 1, request_id="r"),), key=a_key(fingerprint="x")),
            Submission(commands=(a_command(4, 1, request_id="r"),)),
            Submission(commands=(a_command(5, 1),), key=a_key("other")),
        ]
    )

    assert first == EnqueueResult(ids=(1, 2))
    assert again == EnqueueResult(key=replace(a_key(), command_ids=(1, 2)))
    # The request id of the dropped submission is free again.
    assert same_group == EnqueueResult(ids=(4,))
    assert other_key == EnqueueResult(ids=(5,))
    assert sorted(await store.queue.find([1, 2, 3, 4, 5])) == [1, 2, 4, 5]


async def test_duplicate_idempotency_key_within_a_group_counts_once(store: SqlStore) -> None:
    first, second = await store.queue.enqueue(
        [
            Submission(commands=(a_command(1, 1),), key=a_key()),
            Submission(commands=(a_command(2, 1),), key=a_key()),
        ]
    )

    assert first == EnqueueResult(ids=(1,))
    assert second == EnqueueResult(key=replace(a_key(), command_ids=(1,)))
    assert sorted(await store.queue.find([1, 2])) == [1]


async def test_idempotency_key_stores_the_response_of_a_request_without_commands(
    store: SqlStore,
) -> None:
    key = replace(a_key(), http_status=201, response='{"ok":true}')

    await store.queue.enqueue([Submission(commands=(), key=key)])
    (again,) = await store.queue.enqueue([Submission(commands=(), key=a_key())])

    assert again == EnqueueResult(key=key)


async def test_expired_idempotency_keys_are_deleted(store: SqlStore) -> None:
    await store.queue.enqueue([Submission(commands=(a_command(1, 1),), key=a_key())])

    assert await store.queue.drop_expired_keys(NOON) == 0
    assert await store.queue.drop_expired_keys(seconds_after(3600)) == 1
    (stored,) = await store.queue.enqueue([Submission(commands=(a_command(2, 1),), key=a_key())])
    assert stored == EnqueueResult(ids=(2,))


async def test_held_command_waits_for_its_predecessor(store: SqlStore) -> None:
    account_id = await an_account(store)
    other = await an_account(store)
    lease = await a_lease(store, account_id)
    await enqueue(
        store,
        [a_command(1, account_id), a_command(2, account_id, after=1), a_command(3, other, after=1)],
    )

    together = await store.queue.take([account_id, other], 10)
    alone = await store.queue.take([other], 10)
    cut = await store.queue.take([account_id, other], 1)
    await finish(store, lease, DONE, 1)
    freed = await store.queue.take([account_id, other], 10)

    assert [row.id for row in together] == [1, 2, 3]
    assert [row.id for row in alone] == []
    assert [row.id for row in cut] == [1]
    assert [row.id for row in freed] == [2, 3]


async def test_held_commands_do_not_hide_later_ones(store: SqlStore) -> None:
    """1 belongs to another worker; 2 waits for 1, 3 to 7 wait for 2, and 8 is not held."""
    held = [a_command(number, 1, at=number, after=min(number - 1, 2)) for number in range(2, 8)]
    await enqueue(store, [a_command(1, 9), *held, a_command(8, 1, at=8), a_command(9, 1, at=8)])

    assert [row.id for row in await store.queue.take([1], 1)] == [8]
    assert [row.id for row in await store.queue.take([1], 4)] == [8, 9]


async def test_hold_ends_by_the_database_clock(store: SqlStore) -> None:
    now = datetime.now(UTC)
    await enqueue(
        store,
        [
            a_command(1, 9),
            a_command(2, 1, after=1, hold_until=now - timedelta(minutes=1)),
            a_command(3, 1, after=1, hold_until=now + timedelta(minutes=1)),
        ],
    )

    assert [row.id for row in await store.queue.take([1], 10)] == [2]


async def test_a_command_with_a_delay_is_held_without_a_command_before_it(store: SqlStore) -> None:
    now = datetime.now(UTC)
    past, future = now - timedelta(minutes=1), now + timedelta(minutes=1)
    await enqueue(store, [a_command(1, 1, hold_until=future), a_command(2, 1, hold_until=past)])

    (taken,) = await store.queue.take([1], 1)

    assert (taken.id, taken.held_until) == (2, past)
    assert [row.id for row in await store.queue.take([1], 10)] == [2]


async def test_command_held_by_a_replayed_one_waits_for_the_first(store: SqlStore) -> None:
    await enqueue(store, [a_command(1, 9, request_id="r")])

    await store.queue.enqueue(
        [Submission(commands=(a_command(2, 9, request_id="r"), a_command(3, 1, after=2)))]
    )

    assert list(await store.queue.take([1], 10)) == []


async def test_result_finishes_a_command(store: SqlStore) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    await enqueue(store, [a_command(number, account_id) for number in (1, 2, 3)])
    refused = CommandResult(
        status=CommandStatus.REFUSED, error=Refused(code="risk_blocked", message="'no' \\ 100%")
    )

    await finish(store, lease, DONE, 1)
    await finish(store, lease, refused, 2)
    found = await store.queue.find([1, 2, 3])

    assert [found[number].status.value for number in (1, 2, 3)] == ["done", "refused", "queued"]
    assert (found[1].order_id, found[1].result) == (77, '{"order_id":77}')
    assert found[2].error is not None and '"code":"risk_blocked"' in found[2].error
    assert found[1].finished_at is not None and found[1].attempts == 1
    assert [row.id for row in await store.queue.take([account_id], 10)] == [3]


async def test_concurrent_groups_with_shared_request_ids_agree(
    store: SqlStore,
) -> None:
    """Concurrent callers with the same forty requests: forty commands, equal results."""

    def group(caller: int) -> list[Submission]:
        return [
            Submission(commands=(a_command(caller * 100 + n, 1, request_id=f"r{n}"),))
            for n in range(40)
        ]

    answers = await asyncio.gather(*(store.queue.enqueue(group(caller)) for caller in range(6)))

    ids = {tuple(stored.ids for stored in group) for group in answers}
    assert len(ids) == 1
    assert await store.queue.depths() == {1: 40}


async def test_large_group_is_stored_as_one(store: SqlStore) -> None:
    commands = tuple(a_command(number, 1, payload="{" + "x" * 12_000) for number in range(1, 1001))

    (stored,) = await store.queue.enqueue([Submission(commands=commands)])

    assert len(stored.ids) == 1000
    assert await store.queue.depths() == {1: 1000}


async def test_take_with_many_accounts(
    store: SqlStore,
) -> None:
    """3 is of an account not held here, and 4 waits for it."""
    held = range(1, 2 * ACCOUNTS_PER_QUERY_MAX, 2)
    assert len(held) == ACCOUNTS_PER_QUERY_MAX
    many = [*held, 2 * ACCOUNTS_PER_QUERY_MAX + 1]
    await enqueue(
        store,
        [
            a_command(1, many[-1]),
            a_command(2, many[0]),
            a_command(3, 2),
            a_command(4, many[3], after=3),
            a_command(5, many[4], after=2),
        ],
    )

    assert [row.id for row in await store.queue.take(many, 10)] == [1, 2, 5]
    assert [row.id for row in await store.queue.take(many, 10, [1, 2])] == [5]
    assert await store.queue.take(range(10_000, 20_000), 10) == ()
