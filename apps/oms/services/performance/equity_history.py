"""Equity curves of accounts and their statistics, from the stored snapshots."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC

from oms.domain.access import Principal, allowed_strategies
from oms.domain.errors import Forbidden
from oms.domain.performance.equity_curve import CurvePoint, build_curve
from oms.domain.performance.equity_statistics import (
    EquityPoint,
    EquityStatistics,
    compute_equity_statistics,
)
from oms.domain.performance.trade_statistics import TradeStatistics, compute_statistics
from oms.domain.value import evolve, value
from oms.ports.clock import Clock
from oms.ports.history_reads import HistoryQuery
from oms.ports.performance.equity_snapshots import EquitySnapshotStore
from oms.services.performance.trade_results import TradeResults
from oms.services.queries.ledger_queries import LedgerQueries
from oms.wire.account_config.report_currency import read_report_currency

POINTS_MAX = 2000
"""Points of one response, of all accounts together, but up to four of each."""

POINTS_PER_ACCOUNT_MIN = 4


@value
class AccountCurve:
    """The equity of an account in ``currency``."""

    account_id: int
    currency: str
    points: Sequence[CurvePoint]


@value
class ResultsToday:
    """Statistics of the positions closed in a period, and of those closed today (UTC)."""

    all: TradeStatistics
    today: TradeStatistics


@value
class AccountSummary:
    """Statistics of an account, and of the results of each strategy on it."""

    account_id: int
    currency: str
    equity: EquityStatistics
    results: ResultsToday
    strategies: Mapping[int, ResultsToday]


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityHistory:
    """Returns equity curves and summaries."""

    reads: LedgerQueries
    snapshots: EquitySnapshotStore
    results: TradeResults
    clock: Clock
    #: Currency of accounts that set none.
    report_currency: str

    async def curves(
        self, principal: Principal, window: HistoryQuery, resolution: str | None
    ) -> Sequence[AccountCurve]:
        """Return the curves of accounts. Raises ``NotFound``, and ``Forbidden`` for a key that is
        restricted to strategies: equity belongs to the whole account.
        """
        await self.reads.narrow_window(principal, window)
        for account_id in window.account_ids:
            if allowed_strategies(principal, account_id) is not None:
                message = f"the equity of account {account_id} belongs to all of its strategies"
                raise Forbidden(message, code="strategy_permission_denied")
        points_max = max(POINTS_MAX // len(window.account_ids), POINTS_PER_ACCOUNT_MIN)
        currencies = await self._currencies(window.account_ids)
        curves = []
        for account_id in window.account_ids:
            currency = currencies[account_id]
            points = await self._points(account_id, currency, window)
            # In a thread: other requests are served meanwhile.
            curve = await asyncio.to_thread(build_curve, points, points_max, resolution)
            curves.append(AccountCurve(account_id=account_id, currency=currency, points=curve))
        return curves

    async def summaries(
        self, principal: Principal, window: HistoryQuery
    ) -> Sequence[AccountSummary]:
        """Return the statistics of accounts. Raises ``NotFound``, ``Forbidden``.

        A key that is restricted to strategies gets those of their results only.
        """
        await self.reads.narrow_window(principal, window)
        currencies = await self._currencies(window.account_ids)
        return [
            await self._summary(principal, window, account_id, currencies[account_id])
            for account_id in window.account_ids
        ]

    async def _summary(
        self, principal: Principal, window: HistoryQuery, account_id: int, currency: str
    ) -> AccountSummary:
        mine = evolve(window, account_ids=(account_id,))
        now = self.clock.now().astimezone(UTC)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        whole = await self.results(principal, mine, group_by="strategy")
        of_today = evolve(mine, since=midnight, until=None)
        today = await self.results(principal, of_today, group_by="strategy")
        earned = {each.key: each.statistics for each in whole}
        latest = {each.key: each.statistics for each in today}
        none = compute_statistics((), 0)
        both = {
            key: ResultsToday(all=earned.get(key, none), today=latest.get(key, none))
            for key in earned | latest
        }
        is_restricted = allowed_strategies(principal, account_id) is not None
        points = [] if is_restricted else await self._points(account_id, currency, window)
        return AccountSummary(
            account_id=account_id,
            currency=currency,
            equity=await asyncio.to_thread(compute_equity_statistics, points),
            results=both[None],
            strategies={key: each for key, each in both.items() if isinstance(key, int)},
        )

    async def _points(
        self, account_id: int, currency: str, window: HistoryQuery
    ) -> Sequence[EquityPoint]:
        found = await self.snapshots.between(account_id, currency, window.since, window.until)
        return [EquityPoint(ts=each.ts, equity=each.equity, flows=each.flows) for each in found]

    async def _currencies(self, account_ids: Sequence[int]) -> Mapping[int, str]:
        return {
            row.account.id: read_report_currency(row.extra_config) or self.report_currency
            for row in await self.reads.registry.accounts(account_ids)
        }
