"""Mark prices of paper positions: how long settings of accounts are cached."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from oms.adapters.paper.mark_prices import ACCOUNT_CACHE_SECONDS, PaperMarks
from oms.domain.account import Account, Environment, PaperSettings, PositionMode

ACCOUNT = Account(
    id=1,
    exchange_id="paper.binance",
    label="paper",
    position_mode=PositionMode.NETTING,
    environment=Environment.PAPER,
    paper=PaperSettings(),
)
POSITION: Any = SimpleNamespace(id=1, account_id=1, symbol="NONE/USDT", is_open=True)


class Registry:
    """Counts the reads of accounts."""

    reads = 0

    async def accounts(self, ids: Sequence[int]) -> Sequence[Any]:
        self.reads += 1
        return [SimpleNamespace(account=ACCOUNT) for _ in ids]


class Clocks:
    """The system's clock and the monotonic one, set by the test."""

    at = datetime(2026, 5, 1, tzinfo=UTC)
    seconds = 0.0

    def now(self) -> datetime:
        return self.at


async def _no_prices(symbols: Mapping[int, frozenset[str]]) -> Mapping[tuple[int, str], str]:
    return {}


async def test_settings_are_read_again_after_the_clock_was_set_back() -> None:
    registry, clocks = Registry(), Clocks()
    marks = PaperMarks(registry, _no_prices, clocks, lambda: clocks.seconds)  # type: ignore[arg-type]
    for _ in range(2):
        assert await marks([POSITION]) == {}
    assert registry.reads == 1
    clocks.at -= timedelta(hours=1)
    clocks.seconds += ACCOUNT_CACHE_SECONDS
    await marks([POSITION])
    assert registry.reads == 2
