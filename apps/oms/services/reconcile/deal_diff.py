"""The differences between booked executions and those that the exchange reports, as findings."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from oms.domain.account import Account
from oms.domain.ledger.booking import merge_legs
from oms.domain.ledger.deal import Deal, DealEntry, DealType
from oms.domain.ledger.replay_steps import BUST_PREFIX
from oms.domain.money import decimal_text, subtract
from oms.domain.orders.execution_report import Execution, ExecutionReport, ReportSource
from oms.domain.reconcile.discrepancy import DiscrepancyClass, Finding, policy_of
from oms.ports.exchange import ExchangeSnapshot
from oms.wire.json import dumps_fast, time_text

Trade = tuple[str, str]
"""A symbol and a trade id."""


def changed_deals(
    account: Account, snapshot: ExchangeSnapshot, booked: Mapping[Trade, Sequence[Deal]]
) -> list[Finding]:
    """Return the executions that the exchange reports differently than they are booked.

    ``booked`` are the deals under the trade ids of the snapshot, before it was recorded.
    """
    findings: list[Finding] = []
    for symbol, report in snapshot.trades:
        fill = report.execution
        assert fill is not None, "a trade is an execution"
        deals = booked.get((symbol, fill.exchange_trade_id), ())
        legs = [deal for deal in deals if deal.type is DealType.TRADE and not deal.provisional]
        if legs and _differs(legs, fill):
            right = {
                "action": "replace",
                "victim": _booked_fields(legs),
                "right": _execution_fields(fill),
            }
            findings.append(_finding(account, DiscrepancyClass.DEAL_DIFFERS, legs, right, fill))
    return findings


def extra_deals(
    account: Account, snapshot: ExchangeSnapshot, deals: Iterable[Deal]
) -> list[Finding]:
    """Return the booked executions that the exchange does not report.

    ``deals`` are those of all executions since the snapshot has every one.
    """
    reported = {_trade_of(symbol, report) for symbol, report in snapshot.trades}
    groups: dict[Trade, list[Deal]] = {}
    taken_back: set[Trade] = set()
    for deal in deals:
        name = deal.exchange_trade_id
        if deal.type is DealType.CORRECTION:
            taken_back.add((deal.symbol, name.removeprefix(BUST_PREFIX)))
        elif (deal.symbol, name) not in reported and _is_reported_by_exchange(deal):
            groups.setdefault((deal.symbol, name), []).append(deal)
    return [
        _finding(
            account,
            DiscrepancyClass.DEAL_EXTRA,
            legs,
            {"action": "take_back", "victim": _booked_fields(legs)},
        )
        for trade, legs in groups.items()
        if trade not in taken_back
    ]


def _finding(
    account: Account,
    kind: DiscrepancyClass,
    legs: Sequence[Deal],
    fix: Mapping[str, Any],
    fill: Execution | None = None,
) -> Finding:
    first = legs[0]
    reported = None if fill is None else _execution_fields(fill)
    evidence = {
        "booked": _booked_fields(legs),
        "told": reported,
        "deal_ids": [leg.id for leg in legs],
    }
    return Finding(
        kind=kind,
        symbol=first.symbol,
        subject=f"{kind.value}:{first.symbol}:{first.exchange_trade_id}",
        evidence=dumps_fast(evidence),
        fix=dumps_fast(fix),
        policy=policy_of(kind, account.policies),
    )


def _trade_of(symbol: str, report: ExecutionReport) -> Trade:
    assert report.execution is not None, "a trade is an execution"
    return symbol, report.execution.exchange_trade_id


def _is_reported_by_exchange(deal: Deal) -> bool:
    """Return whether an exchange reported the deal under its own trade id."""
    is_ours = deal.origin == ReportSource.OPERATOR.value or deal.entry is DealEntry.OUT_BY
    return not is_ours and not deal.provisional and ":" not in deal.exchange_trade_id


def _differs(legs: Sequence[Deal], fill: Execution) -> bool:
    execution = merge_legs(legs)
    if execution.qty != fill.qty or execution.price != fill.price:
        return True
    if execution.fee is None or fill.fee is None or execution.fee_currency != fill.fee_currency:
        return False
    return bool(subtract(execution.fee, fill.fee))


def _booked_fields(legs: Sequence[Deal]) -> dict[str, Any]:
    """Return the execution that these legs are parts of."""
    first = legs[0]
    return {"order_id": first.order_id, "side": first.side.value} | _execution_fields(
        merge_legs(legs)
    )


def _execution_fields(fill: Execution) -> dict[str, Any]:
    return {
        "trade_id": fill.exchange_trade_id,
        "qty": decimal_text(fill.qty),
        "price": decimal_text(fill.price),
        "fee": None if fill.fee is None else decimal_text(fill.fee),
        "fee_currency": fill.fee_currency,
        "executed_at": time_text(fill.executed_at),
        "sequence": fill.sequence,
    }
