"""Discrepancies, corrections and schedules for random numbers."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kit.builders import NOON
from oms.domain.ledger.correction import required_correction
from oms.domain.money import add
from oms.domain.reconcile.discrepancy import (
    Discrepancy,
    DiscrepancyClass,
    DiscrepancyPolicy,
    DiscrepancyStatus,
    Finding,
    close_ended,
    is_covered,
    policy_of,
    quarantine_of,
    update_seen,
)
from oms.domain.reconcile.position_comparison import SETTLE_DELAY, Scope
from oms.domain.reconcile.reconcile_schedule import (
    DEFAULT_INTERVALS,
    ReconcileIntervals,
    ReconcileSchedule,
)
from oms.domain.side import Side
from oms.domain.value import evolve

QUANTITIES = st.decimals("-1000", "1000", places=8, allow_nan=False)
START = timedelta(days=3)
SECONDS = st.integers(0, 3600).map(lambda each: timedelta(seconds=each))


def _row(status: str = "pending", evidence: str = "{}") -> Discrepancy:
    return Discrepancy(
        id=1,
        account_id=1,
        kind=DiscrepancyClass.POSITION_DIFFERS.value,
        symbol="BTC/USDT:USDT",
        subject="position_differs:BTC/USDT:USDT",
        status=status,
        policy="quarantine",
        evidence=evidence,
        first_seen=NOON,
        last_seen=NOON,
    )


def _finding(
    evidence: str = "{}", kind: DiscrepancyClass = DiscrepancyClass.POSITION_DIFFERS
) -> Finding:
    row = _row()
    return Finding(
        kind=kind,
        symbol=row.symbol,
        subject=row.subject,
        evidence=evidence,
        policy=DiscrepancyPolicy.QUARANTINE,
    )


@given(st.lists(SECONDS, max_size=20))
def test_a_repeated_finding_changes_a_row_at_most_once(waits: list[timedelta]) -> None:
    row, changed = _row(), 0
    for wait in sorted(waits):
        after = update_seen(row, _finding(), NOON + wait)
        changed += after is not row
        row = after
    late = [wait for wait in waits if wait >= SETTLE_DELAY]
    assert changed == bool(late)
    assert row.status == ("open" if late else "pending")


@given(st.lists(st.tuples(SECONDS, st.sampled_from(["a", "b"])), max_size=20))
def test_varying_findings_stay_pending(looks: list[tuple[timedelta, str]]) -> None:
    row, last = evolve(_row(), fix="a"), ("a", timedelta())
    opened = False
    for wait, fix in sorted(looks):
        row = update_seen(row, evolve(_finding(), fix=fix), NOON + wait)
        current_fix, since = last
        opened = opened or (current_fix == fix and wait - since >= SETTLE_DELAY)
        last = last if current_fix == fix else (fix, wait)
        assert (row.status == "open") is opened


@given(st.lists(st.sampled_from(["a", "b"]), max_size=10))
def test_a_dismissal_covers_only_equal_evidence(current_fix: list[str]) -> None:
    row = _row(DiscrepancyStatus.DISMISSED.value, "a")
    for evidence in current_fix:
        assert is_covered(row, _finding(evidence)) is (evidence == "a")
        assert update_seen(row, _finding("a"), NOON) is row


@given(st.sampled_from(list(DiscrepancyStatus)))
def test_only_a_fix_outlives_the_difference(status: DiscrepancyStatus) -> None:
    after = close_ended(_row(status.value), NOON)
    assert after.status == ("applied" if status is DiscrepancyStatus.APPLIED else "closed")


@given(QUANTITIES, QUANTITIES, st.sampled_from([None, Side.BUY, Side.SELL]))
def test_a_correction_leads_from_the_ledger_to_the_exchange(
    there: Decimal, here: Decimal, leg: Side | None
) -> None:
    if there == here:
        return
    wanted = required_correction(exchange_qty=there, ledger_qty=here, leg=leg)
    signed = wanted.qty if wanted.side is Side.BUY else -wanted.qty
    assert wanted.qty > 0
    assert add(here, signed) == there
    assert wanted.closes is (leg is not None and leg is not wanted.side)
    back = required_correction(exchange_qty=here, ledger_qty=there, leg=leg)
    assert (back.qty, back.side) == (wanted.qty, wanted.side.opposite)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(DiscrepancyStatus)), st.sampled_from(list(DiscrepancyPolicy))
        )
    )
)
def test_only_open_discrepancies_quarantine_an_account(
    items: list[tuple[DiscrepancyStatus, DiscrepancyPolicy]],
) -> None:
    rows: dict[int, Discrepancy] = {}
    for number, (status, policy) in enumerate(items):
        rows[number] = evolve(_row(status.value), policy=policy.value)
    held = any(
        status is DiscrepancyStatus.OPEN and policy is DiscrepancyPolicy.QUARANTINE
        for status, policy in items
    )
    assert (quarantine_of(rows) is not None) is held


def test_a_policy_is_configured_or_the_default() -> None:
    assert policy_of(DiscrepancyClass.POSITION_DIFFERS, {}) is DiscrepancyPolicy.QUARANTINE
    assert policy_of(DiscrepancyClass.BALANCE_DIFFERS, {}, is_small=True) is DiscrepancyPolicy.AUTO
    assert (
        policy_of(DiscrepancyClass.BALANCE_DIFFERS, {"balance_differs": "ask"}, is_small=True)
        is DiscrepancyPolicy.ASK
    )


@given(st.integers(1, 10_000), st.lists(st.integers(1, 120), min_size=1, max_size=100))
def test_each_scope_runs_once_per_interval_and_the_widest_covers_all(
    account_id: int, steps: list[int]
) -> None:
    plan = ReconcileIntervals(intervals={Scope.SHORT: timedelta(seconds=30)})
    table, now = ReconcileSchedule.initial(account_id, plan, START, waits=False), START
    assert table.scope_due(START) is Scope.SHORT or table.due[Scope.HOURLY] == START
    times: list[timedelta] = []
    for step in steps:
        scope = table.scope_due(now)
        if scope is not None:
            times.append(now - START)
            table = table.mark_reconciled(scope, plan, now)
            assert table.scope_due(now) is None or table.scope_due(now) is not Scope.SHORT
        now += timedelta(seconds=step)
    passed = times[-1] - times[0]
    assert len(times) <= passed / timedelta(seconds=30) + 2 + len(DEFAULT_INTERVALS)


@given(st.integers(1, 10_000))
def test_a_process_of_an_hour_misses_no_scope(account_id: int) -> None:
    table = ReconcileSchedule.initial(account_id, ReconcileIntervals(), START)
    assert max(table.due.values()) - START < timedelta(hours=1)


def test_start_times_are_spread() -> None:
    tables = [
        ReconcileSchedule.initial(number, ReconcileIntervals(), START) for number in range(1, 61)
    ]
    firsts = sorted(table.due[Scope.SHORT] - START for table in tables)
    assert firsts[-1] < timedelta(seconds=60)
    gaps = [b - a for a, b in pairwise(firsts)]
    assert max(gaps) < timedelta(seconds=5)
