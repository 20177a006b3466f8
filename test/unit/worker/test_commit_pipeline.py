"""The pipeline: what fell out of a commit is not taken for stored."""

from collections.abc import Sequence

from kit.ledger.memory_account import MemoryAccount
from oms.domain.account import PositionMode
from oms.domain.commands.command import Reconcile
from oms.domain.reconcile.position_comparison import Scope
from oms.ports.ledger_store import AccountBatch
from oms.services.account_state.state import AccountState
from oms.worker.commit_pipeline import CommitPipeline


class Losing:
    """Commits nothing of the accounts in ``lost``."""

    def __init__(self) -> None:
        self.lost: frozenset[int] = frozenset()

    async def __call__(self, batches: Sequence[AccountBatch]) -> frozenset[int]:
        return self.lost


async def drafted(house: MemoryAccount) -> tuple[AccountState, list[str]]:
    """A home that has something to write, and what its exchange is told."""
    told: list[str] = []
    house.enqueue(Reconcile(scope=Scope.SHORT))
    home = house.state
    home.exchange.on_committed = lambda: told.append("stored")  # type: ignore[method-assign]
    await house.process()
    return home, told


async def test_an_exchange_hears_only_of_what_is_stored() -> None:
    commit = Losing()
    pipeline = CommitPipeline(commit=commit)  # type: ignore[arg-type]
    for lost, expected in ((False, ["stored"]), (True, [])):
        home, told = await drafted(MemoryAccount(PositionMode.NETTING))
        commit.lost = frozenset({home.account.id} if lost else ())
        pipeline.add(home)
        await pipeline.push()
        assert pipeline.running is not None
        assert await pipeline.push(wait=True) == commit.lost
        assert told == expected


async def test_it_tells_what_came_since_the_last_commit_and_when_the_next_may_go() -> None:
    pipeline = CommitPipeline(commit=Losing())  # type: ignore[arg-type]
    home, _ = await drafted(MemoryAccount(PositionMode.NETTING))
    assert pipeline.is_free()
    pipeline.add(home)
    pipeline.add(home)
    assert pipeline.added == 2
    await pipeline.push()
    assert (pipeline.added, pipeline.is_free()) == (0, False)
    pipeline.add(home)
    await pipeline.push()
    assert pipeline.added == 1, "one commit at a time"
    assert pipeline.running is not None
    await pipeline.running
    assert pipeline.is_free()
    await pipeline.drop()
    assert pipeline.added == 0
