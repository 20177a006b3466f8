"""Reconciliation: request bodies and query parameters."""

from collections.abc import Sequence

from oms.domain.commands.account_commands import Reconcile
from oms.domain.reconcile.discrepancy import (
    DecideDiscrepancy,
    Decision,
    Discrepancy,
    DiscrepancyClass,
    DiscrepancyPolicy,
    DiscrepancyStatus,
)
from oms.domain.reconcile.position_comparison import Scope
from oms.ports.reconcile_store import DiscrepancyQuery
from oms.wire import parameters as p
from oms.wire.commands.command_schemas import DECIDE, RECONCILE
from oms.wire.field_validation import drop_nulls, require_object, validate
from oms.wire.query_parameters import (
    Query,
    malformed_parameter,
    read_account_ids,
    read_cursor,
    read_number,
    read_words,
)
from oms.wire.request_body import malformed_at

SYMBOLS_MAX = 20


def read_reconcile(body: object) -> tuple[tuple[int, ...] | None, Reconcile]:
    """Parse account ids (``None``: all readable ones) and payload. Raises ``Malformed``."""
    fields = validate(RECONCILE, drop_nulls(require_object(body, ("body",))), ())
    account_ids = list(fields.get("account_ids", ()))
    if "account_id" in fields:
        account_ids.insert(0, fields["account_id"])
    scope = Scope(fields.get("scope", Scope.SHORT))
    start, end = fields.get("start_date"), fields.get("end_date")
    if scope is Scope.PERIOD and (start is None or end is None):
        raise malformed_at(("start_date",), "a period needs start_date and end_date", "missing")
    if start is not None and end is not None and end < start:
        raise malformed_at(("end_date",), "end_date is before start_date", "value_error")
    hints = [text.upper() for text in fields.get("symbols_hint", ())]
    symbols = tuple(text for text in hints if "/" in text)[:SYMBOLS_MAX]
    payload = Reconcile(scope=scope, start=start, end=end, symbols=symbols)
    return tuple(dict.fromkeys(account_ids)) or None, payload


def read_discrepancy_query(query: Query, readable: Sequence[int]) -> DiscrepancyQuery:
    """Parse filters of discrepancies; ``status`` defaults to open. Raises ``Malformed``."""
    account_ids = read_account_ids(query) if query.get(p.OPTIONAL_ACCOUNT_IDS.name) else readable
    statuses = read_words(query, p.DISCREPANCY_STATUS) or frozenset({DiscrepancyStatus.OPEN.value})
    kinds = read_words(query, p.DISCREPANCY_CLASS) or frozenset()
    for name, selected, values in (
        (p.DISCREPANCY_STATUS.name, statuses, DiscrepancyStatus),
        (p.DISCREPANCY_CLASS.name, kinds, DiscrepancyClass),
    ):
        if selected - {each.value for each in values} - {"all"}:
            raise malformed_parameter(name, f"of {', '.join(values)}, all", "literal_error")
    return DiscrepancyQuery(
        account_ids=[account_id for account_id in account_ids if account_id in set(readable)],
        statuses=() if "all" in statuses else sorted(statuses),
        kinds=() if "all" in kinds else sorted(kinds),
        after_id=read_cursor(query) or 0,
        limit=read_number(query, p.DISCREPANCIES_LIMIT),
    )


def read_decision(
    body: object, header_comment: str | None, row: Discrepancy, answer: Decision
) -> DecideDiscrepancy:
    """Parse a decision on ``row``; ``header_comment`` is the default. Raises ``Malformed``.

    Dismissing an open discrepancy with policy quarantine lifts the quarantine.
    """
    fields = validate(DECIDE, drop_nulls(require_object(body, ("body",))), ())
    is_held = row.status == DiscrepancyStatus.OPEN and row.policy == DiscrepancyPolicy.QUARANTINE
    return DecideDiscrepancy(
        discrepancy_id=row.id,
        answer=answer,
        lifts=is_held and answer is Decision.DISMISS,
        comment=fields.get("comment") or header_comment or None,
    )
