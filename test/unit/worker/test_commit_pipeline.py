"""The commit pipeline: what was left out of a commit does not count as stored."""

from collections.abc import Sequence

from kit.ledger.memory_account import MemoryAccount
from oms.domain.account import PositionMode
from oms.domain.commands.account_commands import Reconcile
from oms.domain.reconcile.position_comparison import Scope
from oms.ports.ledger_store import AccountBatch
from oms.services.account_state.state import AccountState
from oms.worker.commit_pipeline import CommitPipeline


class LossyCommit:
    """Loses the leases of the accounts in ``lost``."""

    def __init__(self) -> None:
        self.lost: frozenset[int] = frozenset()

    async def __call__(self, batches: Sequence[AccountBatch]) -> frozenset[int]:
        return self.lost


async def a_changed_state(account: MemoryAccount) -> tuple[AccountState, list[str]]:
    """Return a state with uncommitted changes, and the list of its exchange's notifications."""
    notified: list[str] = []
    account.enqueue(Reconcile(scope=Scope.SHORT))
    state = account.state
    state.exchange.on_committed = lambda: notified.append("stored")  # type: ignore[method-assign]
    await account.process()
    return state, notified


async def test_an_exchange_is_notified_only_of_what_is_stored() -> None:
    commit = LossyCommit()
    pipeline = CommitPipeline(commit=commit)  # type: ignore[arg-type]
    for lost, expected in ((False, ["stored"]), (True, [])):
        changed, notified = await a_changed_state(MemoryAccount(PositionMode.NETTING))
        commit.lost = frozenset({changed.account.id} if lost else ())
        pipeline.add(changed)
        await pipeline.push()
        assert pipeline.running is not None
        assert await pipeline.push(wait=True) == commit.lost
        assert notified == expected


async def test_it_counts_additions_since_the_last_commit_and_runs_one_commit() -> None:
    pipeline = CommitPipeline(commit=LossyCommit())  # type: ignore[arg-type]
    changed, _ = await a_changed_state(MemoryAccount(PositionMode.NETTING))
    assert pipeline.is_free()
    pipeline.add(changed)
    pipeline.add(changed)
    assert pipeline.added == 2
    await pipeline.push()
    assert (pipeline.added, pipeline.is_free()) == (0, False)
    pipeline.add(changed)
    await pipeline.push()
    assert pipeline.added == 1, "one commit at a time"
    assert pipeline.running is not None
    await pipeline.running
    assert pipeline.is_free()
    await pipeline.drop()
    assert pipeline.added == 0
