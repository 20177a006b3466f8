"""What a worker or API caches is as old as its monotonic clock says, not as its system clock."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

from oms.domain.commands.account_commands import EnforceKillSwitch
from oms.domain.commands.command import ClosePosition, Command
from oms.ports.command_queue import CommandQueue
from oms.ports.kill_switches import KillSwitchStore
from oms.ports.registry import Registry
from oms.services.account_state.state import AccountState
from oms.services.commands.kill_switch import REFRESH_SECONDS, KillSwitchCache
from oms.services.commands.strategy_links import StrategyLinkRefresh
from oms.services.submission.queue_depth import RECOUNT_SECONDS, QueueDepthLimiter


class Reads:
    """A store that counts its reads, and the clock of what was read."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        self.queued: dict[int, int] = {}
        #: Called once while switches are read.
        self.during: Callable[[], None] | None = None

    def monotonic(self) -> float:
        return self.seconds

    async def all(self, **_: Any) -> Sequence[Any]:
        self.count += 1
        during, self.during = self.during, None
        if during is not None:
            during()
        return ()

    async def linked_strategies(self, account_ids: Sequence[int]) -> dict[int, frozenset[int]]:
        self.count += 1
        return {account_ids[0]: frozenset({3})}

    async def depths(self) -> dict[int, int]:
        self.count += 1
        return dict(self.queued)


def state() -> AccountState:
    account = SimpleNamespace(id=1)
    return cast(
        AccountState,
        SimpleNamespace(account=account, kill_switches=(), strategy_ids=frozenset({3})),
    )


async def test_kill_switches() -> None:
    reads, account = Reads(), state()
    cache = KillSwitchCache(kills=cast(KillSwitchStore, reads), monotonic=reads.monotonic)
    for expected in (1, 1):
        await cache(account)
        assert reads.count == expected
    reads.seconds += REFRESH_SECONDS
    await cache(account)
    assert reads.count == 2


async def test_kill_switches_are_read_again_after_a_notice() -> None:
    reads, account = Reads(), state()
    cache = KillSwitchCache(kills=cast(KillSwitchStore, reads), monotonic=reads.monotonic)
    await cache(account)
    cache.forget()
    await cache(account)
    assert reads.count == 2
    for payload, expected in ((_enforcement(0), 2), (_enforcement(7), 3), (_release(7), 3)):
        await cache(account, cast(Command, SimpleNamespace(payload=payload)))
        assert reads.count == expected, "a command of a switch that is not known as it says"


async def test_a_notice_during_a_read_is_not_lost() -> None:
    reads, account = Reads(), state()
    cache = KillSwitchCache(kills=cast(KillSwitchStore, reads), monotonic=reads.monotonic)
    reads.during = cache.forget
    await cache(account)
    assert reads.count == 2
    await cache(account)
    assert reads.count == 2


def _enforcement(kill_id: int) -> EnforceKillSwitch:
    return EnforceKillSwitch(kill_id=kill_id, scope="global", scope_id="", mode="halt", on=True)


def _release(kill_id: int) -> EnforceKillSwitch:
    return EnforceKillSwitch(kill_id=kill_id, scope="global", scope_id="", mode="halt", on=False)


async def test_links_of_strategies() -> None:
    reads, account = Reads(), state()
    refresh = StrategyLinkRefresh(
        registry=cast(Registry, reads), cache_seconds=2, monotonic=reads.monotonic
    )
    payload = ClosePosition(position_id=1, strategy_id=3)
    for expected in (1, 1):
        await refresh(account, payload)
        assert reads.count == expected
    reads.seconds += 2
    await refresh(account, payload)
    assert reads.count == 2


async def test_queue_depths() -> None:
    reads = Reads()
    depths = QueueDepthLimiter(
        queue=cast(CommandQueue, reads), depth_max=5, monotonic=reads.monotonic
    )
    for expected in (1, 1):
        await depths.refresh()
        assert reads.count == expected
    reads.seconds += 1
    await depths.refresh()
    assert reads.count == 2


async def test_a_full_queue_is_counted_again_before_a_refusal() -> None:
    reads = Reads()
    depths = QueueDepthLimiter(
        queue=cast(CommandQueue, reads), depth_max=5, monotonic=reads.monotonic
    )
    await depths.refresh({1: 5})
    assert [depths.reserve(1) for _ in range(5)] == [None] * 5
    await depths.refresh({1: 1})
    assert reads.count == 1
    assert depths.reserve(1) is not None, "a count so young is not repeated"
    reads.seconds += RECOUNT_SECONDS
    await depths.refresh({2: 1})
    assert reads.count == 1, "another account has room"
    await depths.refresh({1: 1})
    assert reads.count == 2
    assert depths.reserve(1) is None, "the commands before have ended"
    reads.queued = {1: 5}
    reads.seconds += RECOUNT_SECONDS
    await depths.refresh({1: 5})
    assert depths.reserve(1) is not None
    assert depths.reserve(2) is None
