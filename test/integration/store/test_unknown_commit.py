"""A COMMIT without a response: applied or not is unknown."""

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
    """Return a function that breaks the connection after or before the next COMMITs apply."""

    def arm(*, written: bool, times: int = 1) -> None:
        left = [times]

        def cutting(method_name: str) -> Any:
            original = getattr(Database, method_name)

            async def broken(self: Database, work: Any, stage: Any) -> Any:
                if not left[0]:
                    return await original(self, work, stage)
                left[0] -= 1
                if written:
                    await original(self, work, stage)
                stage.in_doubt = True
                raise ConnectionResetError("cut in COMMIT")

            return broken

        for method_name in (
            "_transaction",
            "_insert_single",
        ):  # which one is used depends on the database
            monkeypatch.setattr(Database, method_name, cutting(method_name))

    return arm


@pytest.mark.parametrize("written", [True, False])
async def test_group_with_unknown_commit_is_stored_exactly_once(
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
async def test_group_with_duplicates_and_unknown_commit_is_stored_once(
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

    # The first attempt finds the duplicate; the connection breaks in the second.
    original = store.queue._read_stored_keys

    async def known_then_cut(submissions: Any) -> Any:
        found = await original(submissions)
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


async def test_group_with_endless_unknown_commits_is_unavailable(store: SqlStore, cut: Cut) -> None:
    cut(written=False, times=100)

    with pytest.raises(Unavailable):
        await store.queue.enqueue([Submission(commands=(a_command(1, 1),))])

    assert await store.queue.find([1]) == {}


@pytest.mark.parametrize("written", [True, False])
async def test_unknown_ledger_commit_is_reported_and_never_repeated(
    store: SqlStore, cut: Cut, written: bool
) -> None:
    account_id = await an_account(store)
    lease = await a_lease(store, account_id)
    await enqueue(store, [a_command(1, account_id)])
    cut(written=written)

    with pytest.raises(Unavailable) as error:
        await store.ledger.commit([a_fill(lease, 1, 1)])

    assert error.value.reason == "in_doubt"
    # Loading the account again gives the outcome.
    loaded = await store.ledger.load(lease)
    assert loaded.head_seq == int(written)
    order = await store.ledger.order(account_id, 1)
    assert order == (an_order(1, account_id) if written else None)


async def test_id_block_with_unknown_commit_is_skipped(store: SqlStore, cut: Cut) -> None:
    cut(written=True)

    await store.ids.ensure("order", 1)

    assert store.ids("order") > 0
