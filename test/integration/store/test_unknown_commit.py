"""A COMMIT whose answer is lost: written or not, nobody said."""

from collections.abc import Callable
from typing import Any

import pytest

from kit.databases.store_rows import (
    a_command,
    a_fill,
    a_lease,
    an_account,
    an_order,
    enqueue,
    seconds_after,
)
from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.store import SqlStore
from oms.domain.errors import Unavailable
from oms.ports.command_queue import EnqueueResult, IdempotencyKeyRow, Submission

Cut = Callable[..., None]


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Cut:
    """``cut(written=...)`` breaks the connection in the next COMMITs, after or before it counts."""

    def arm(*, written: bool, times: int = 1) -> None:
        left = [times]

        def cutting(way: str) -> Any:
            honest = getattr(Database, way)

            async def broken(self: Database, work: Any, stage: Any) -> Any:
                if not left[0]:
                    return await honest(self, work, stage)
                left[0] -= 1
                if written:
                    await honest(self, work, stage)
                stage.in_doubt = True
                raise ConnectionResetError("cut in COMMIT")

            return broken

        for way in ("_transaction", "_insert_single"):  # which of them is taken is the database's
            monkeypatch.setattr(Database, way, cutting(way))

    return arm


@pytest.mark.parametrize("written", [True, False])
async def test_a_doubtful_group_is_stored_exactly_once(
    store: SqlStore, cut: Cut, written: bool
) -> None:
    await enqueue(store, [a_command(1, 1, request_id="known")])
    cut(written=written)

    answers = await store.queue.enqueue(
        [
            Submission(commands=(a_command(2, 1), a_command(3, 1, request_id="new"))),
            Submission(commands=(a_command(4, 1),)),
        ]
    )

    assert answers == [EnqueueResult(ids=(2, 3)), EnqueueResult(ids=(4,))]
    assert await store.queue.depths() == {1: 4}


@pytest.mark.parametrize("written", [True, False])
async def test_a_doubtful_group_that_also_holds_duplicates_is_stored_once(
    store: SqlStore, cut: Cut, written: bool
) -> None:
    key = IdempotencyKeyRow(scope_hash="k", fingerprint="f", expires_at=seconds_after(60))
    await enqueue(store, [a_command(1, 1, request_id="known")])

    async def enqueue_duplicate() -> Any:
        return await store.queue.enqueue(
            [
                Submission(commands=(a_command(2, 1, request_id="known"),)),
                Submission(commands=(a_command(3, 1, request_id="new"),), key=key),
            ]
        )

    # The first attempt meets the duplicate; the second is the one that is cut.
    honest = store.queue._read_stored_keys

    async def known_then_cut(submissions: Any) -> Any:
        found = await honest(submissions)
        if not armed:
            armed.append(True)
            cut(written=written)
        return found

    armed: list[bool] = []
    store.queue._read_stored_keys = known_then_cut  # type: ignore[method-assign]

    assert await enqueue_duplicate() == [
        EnqueueResult(ids=(1,), replayed=frozenset({0})),
        EnqueueResult(ids=(3,)),
    ]
    assert await store.queue.depths() == {1: 2}


async def test_a_group_in_endless_doubt_is_told(store: SqlStore, cut: Cut) -> None:
    cut(written=False, times=100)

    with pytest.raises(Unavailable):
        await store.queue.enqueue([Submission(commands=(a_command(1, 1),))])

    assert await store.queue.find([1]) == {}


@pytest.mark.parametrize("written", [True, False])
async def test_a_doubtful_commit_of_the_ledger_is_told_and_never_repeated(
    store: SqlStore, cut: Cut, written: bool
) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    await enqueue(store, [a_command(1, account_id)])
    cut(written=written)

    with pytest.raises(Unavailable) as told:
        await store.ledger.commit([a_fill(lease, 1, 1)])

    assert told.value.reason == "in_doubt"
    # Whoever loads anew knows.
    image = await store.ledger.load(lease)
    assert image.head_seq == int(written)
    order = await store.ledger.order(account_id, 1)
    assert order == (an_order(1, account_id) if written else None)


async def test_a_block_of_ids_in_doubt_is_left_and_another_taken(store: SqlStore, cut: Cut) -> None:
    cut(written=True)

    await store.ids.ensure("order", 1)

    assert store.ids("order") > 0
