"""Rows of ``accounts`` with the settings in ``extra_config_json``."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from oms.domain.account import Account, Environment, PositionMode
from oms.domain.reconcile.position_comparison import Scope
from oms.domain.reconcile.reconcile_schedule import ReconcileIntervals
from oms.wire.account_config.allowed_hosts import has_allowed_hosts
from oms.wire.account_config.ccxt_allow import read_ccxt_allow
from oms.wire.account_config.discrepancy_policies import read_policies
from oms.wire.account_config.paper_settings import read_paper_settings
from oms.wire.account_config.stop_settings import read_stop_settings
from oms.wire.account_config.unknown_history import opens_at_average

_SCOPES = (Scope.SHORT, Scope.HOURLY, Scope.LONG)
#: Reconciliation columns of the table alias ``a``.
RECONCILE_COLUMNS = "a.reconcile_enabled, " + ", ".join(
    f"a.reconcile_{scope.value}_{what}_seconds"
    for what in ("interval", "lookback")
    for scope in _SCOPES
)
#: Columns of ``accounts a`` joined with ``account_risk_state r``.
SELECTED = (
    "a.id, a.exchange_id, a.label, a.position_mode, a.environment, a.status,"
    " a.extra_config_json, COALESCE(r.allow_new_positions, 1), a.live_enabled, a.quarantine,"
    f" {RECONCILE_COLUMNS}"
)
JOINED = "accounts a LEFT JOIN account_risk_state r ON r.account_id = a.id"


def account_from_row(row: Any) -> Account:
    """Return the account of a row of ``SELECTED``."""
    return Account(
        id=row[0],
        exchange_id=row[1],
        label=row[2],
        position_mode=PositionMode(row[3]),
        environment=Environment(row[4]),
        status=row[5],
        allow_new_positions=bool(row[7]),
        paper=read_paper_settings(row[6] or "{}"),
        ccxt_allow=read_ccxt_allow(row[6] or "{}"),
        has_own_hosts=has_allowed_hosts(row[6] or "{}"),
        live_enabled=bool(row[8]),
        quarantine=row[9],
        reconcile_intervals=reconcile_intervals_from_row(row[10:17]),
        policies=read_policies(row[6] or "{}"),
        stops=read_stop_settings(row[6] or "{}"),
        opens_at_average=opens_at_average(row[6] or "{}"),
        extra_config=row[6] or "{}",
    )


def reconcile_intervals_from_row(row: Sequence[Any]) -> ReconcileIntervals:
    """Return the intervals of a row of ``RECONCILE_COLUMNS``."""
    count = len(_SCOPES)
    intervals, look_backs = row[1 : 1 + count], row[1 + count : 1 + 2 * count]
    return ReconcileIntervals(
        enabled=bool(row[0]), intervals=_durations(intervals), look_backs=_durations(look_backs)
    )


def _durations(seconds: Sequence[int | None]) -> dict[Scope, timedelta]:
    pairs = zip(_SCOPES, seconds, strict=True)
    return {scope: timedelta(seconds=each) for scope, each in pairs if each is not None}
