"""The matched view of positions for callers, computed from deals when positions are read."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from oms.domain.account import Account, Engine
from oms.domain.instrument import Instrument
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.matched_view import MatchedView, matched_views, simple_view
from oms.domain.ledger.position import Position
from oms.ports.registry import Registry
from oms.ports.verification_reads import VerificationReads

CACHED_VIEWS_MAX = 10_000
CACHED_ACCOUNTS_MAX = 1000
IDS_PER_READ_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionFigures:
    """Returns matched views; most positions need no further read.

    Deals are read of positions that were closed in part, have fees in other currencies or were
    merged. A view is kept until its position changes, if all of its fees have a rate.
    """

    registry: Registry
    reads: VerificationReads
    paper_instruments: Callable[[Account], Mapping[str, Instrument]]
    _instruments: dict[int, Mapping[str, Instrument]] = field(default_factory=dict)
    _views: OrderedDict[tuple[int, int], MatchedView] = field(default_factory=OrderedDict)

    async def __call__(self, positions: Sequence[Position]) -> Mapping[int, MatchedView]:
        """Return views by position id; positions of unknown instruments are left out.

        Raises ``Unavailable``.
        """
        views: dict[int, MatchedView] = {}
        unknown: dict[tuple[int, str], list[Position]] = {}
        await self._load_instruments(positions)
        for position in positions:
            instrument = self._instrument(position)
            if instrument is None:
                continue
            view = simple_view(position, instrument)
            view = view or self._views.get((position.id, position.version))
            if view is not None:
                views[position.id] = view
            else:
                key = position.account_id, position.symbol
                unknown.setdefault(key, []).append(position)
        for each in unknown.values():
            views |= await self._read_views(each)
        return views

    async def _read_views(self, positions: Sequence[Position]) -> Mapping[int, MatchedView]:
        """Return the views of positions of one symbol, computed from their deals."""
        instrument = self._instrument(positions[0])
        assert instrument is not None, "the instrument is loaded"
        connected = {position.id: position for position in positions}
        targets = [position.id for position in positions if _has_merges(position)]
        while targets:
            merged = await self.reads.merged_into(positions[0].account_id, targets)
            targets = [each.id for each in merged if each.id not in connected]
            connected |= {each.id: each for each in merged}
        deals: list[Deal] = []
        ids = sorted(connected)
        for start in range(0, len(ids), IDS_PER_READ_MAX):
            deals += await self.reads.deals_of_positions(ids[start : start + IDS_PER_READ_MAX])
        views = matched_views(list(connected.values()), deals, instrument)
        for position in positions:
            view = views[position.id]
            if view.profit is not None and view.fees is not None and not _has_merges(position):
                self._views[position.id, position.version] = view
        while len(self._views) > CACHED_VIEWS_MAX:
            self._views.popitem(last=False)
        return {position.id: views[position.id] for position in positions}

    async def _load_instruments(self, positions: Iterable[Position]) -> None:
        """Read the instruments of accounts that have a symbol which is not known yet."""
        ids = {each.account_id for each in positions if self._instrument(each) is None}
        if not ids:
            return
        if len(self._instruments) > CACHED_ACCOUNTS_MAX:
            self._instruments.clear()
        for row in await self.registry.accounts(sorted(ids)):
            account = row.account
            if account.engine is Engine.PAPER:
                instruments = self.paper_instruments(account)
            else:
                instruments = await self.reads.account_instruments(account.id)
            self._instruments[account.id] = instruments

    def _instrument(self, position: Position) -> Instrument | None:
        return self._instruments.get(position.account_id, {}).get(position.symbol)


def _has_merges(position: Position) -> bool:
    """Return whether quantity of another position was merged into this one."""
    held = position.qty_opened - position.qty_closed
    return held != position.qty.copy_abs()
