"""The matched view of positions for callers, computed from deals when positions are read."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from oms.domain.instrument import Instrument
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.matched_view import MatchedView, has_merges, matched_views, simple_view
from oms.domain.ledger.position import Position
from oms.ports.registry import Registry
from oms.ports.verification_reads import VerificationReads
from oms.services.verify.account_instruments import AccountInstruments

CACHED_VIEWS_MAX = 10_000
CACHED_ACCOUNTS_MAX = 1000
IDS_PER_READ_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionFigures:
    """Returns matched views; most positions need no further read.

    Deals are read of positions with fees that were closed in part, have fees in other currencies or
    were merged. A view is kept until its position changes, if all of its fees have a rate and
    nothing was merged.
    """

    registry: Registry
    reads: VerificationReads
    account_instruments: AccountInstruments
    _instruments: dict[int, Mapping[str, Instrument]] = field(default_factory=dict)
    _views: OrderedDict[tuple[int, int], MatchedView] = field(default_factory=OrderedDict)

    async def __call__(self, positions: Sequence[Position]) -> Mapping[int, MatchedView]:
        """Return views by position id; positions of unknown instruments are left out.

        Raises ``Unavailable``.
        """
        views: dict[int, MatchedView] = {}
        unknown: dict[tuple[int, str], list[Position]] = {}
        instruments = await self._load_instruments(positions)
        for position in positions:
            instrument = instruments.get(position.account_id, {}).get(position.symbol)
            if instrument is None:
                continue
            view = simple_view(position, instrument)
            view = view or self._views.get((position.id, position.version))
            if view is not None:
                views[position.id] = view
            else:
                key = position.account_id, position.symbol
                unknown.setdefault(key, []).append(position)
        for (account_id, symbol), each in unknown.items():
            views |= await self._read_views(each, instruments[account_id][symbol])
        return views

    async def _read_views(
        self, positions: Sequence[Position], instrument: Instrument
    ) -> Mapping[int, MatchedView]:
        """Return the views of positions of one symbol, computed from their deals."""
        connected = {position.id: position for position in positions}
        targets = [position.id for position in positions if has_merges(position)]
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
            if view.profit is not None and view.fees is not None and not has_merges(position):
                self._views[position.id, position.version] = view
        while len(self._views) > CACHED_VIEWS_MAX:
            self._views.popitem(last=False)
        return {position.id: views[position.id] for position in positions}

    async def _load_instruments(
        self, positions: Iterable[Position]
    ) -> Mapping[int, Mapping[str, Instrument]]:
        """Return instruments by account id; read are those of accounts with an unknown symbol."""
        symbols: dict[int, set[str]] = {}
        for position in positions:
            symbols.setdefault(position.account_id, set()).add(position.symbol)
        known = {i: self._instruments[i] for i in symbols if i in self._instruments}
        ids = [i for i, names in symbols.items() if names - known.get(i, {}).keys()]
        if ids:
            for row in await self.registry.accounts(sorted(ids)):
                known[row.account.id] = await self.account_instruments(row.account)
            if len(self._instruments) > CACHED_ACCOUNTS_MAX:
                self._instruments.clear()
            self._instruments.update(known)
        return known
