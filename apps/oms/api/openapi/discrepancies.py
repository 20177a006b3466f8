"""Discrepancies: response schemas and operations."""

from collections.abc import Mapping

from oms.api.openapi.operation import Operation
from oms.api.openapi.parameters import COMMENT, LIMIT, OPTIONAL_ACCOUNTS, WAIT, query
from oms.api.openapi.request_bodies import body
from oms.api.openapi.schema import (
    BOOLEAN,
    ID,
    TEXT,
    Schema,
    array_of,
    nullable,
    object_of,
    ref,
    row,
)
from oms.domain.reconcile.discrepancy import DiscrepancyClass, DiscrepancyStatus

SCHEMAS: Mapping[str, Schema] = {
    "Discrepancy": row(
        "id:id account_id:id class:text symbol:text? status:text policy:text evidence:any fix:any "
        "first_seen:time last_seen:time decided_by:text? comment:text?"
    ),
    "Inbox": object_of({"items": array_of(ref("Discrepancy")), "next_cursor": nullable(TEXT)}),
    "Decided": object_of({"ok": BOOLEAN, "command_id": ID, "item": ref("Discrepancy")}),
}
"""Shapes by the name they have in the document."""

_FILTERS = (
    OPTIONAL_ACCOUNTS,
    query(
        "status",
        TEXT,
        f"Words with commas between: {', '.join(DiscrepancyStatus)}, all; absent: open.",
    ),
    query("class", TEXT, f"Words with commas between: {', '.join(DiscrepancyClass)}, all."),
    LIMIT,
    query("cursor", TEXT, "Where the page before ended."),
)
_CAN_FAIL = frozenset({404, 502, 504})


def _list(path: str, name: str, summary: str) -> Operation:
    return Operation(
        method="get",
        path=path,
        name=name,
        summary=summary,
        query=_FILTERS,
        answers={200: ref("Inbox")},
    )


def _decide(path: str, name: str, summary: str) -> Operation:
    return Operation(
        method="post",
        path=path,
        name=name,
        summary=summary,
        query=(*WAIT, COMMENT),
        body=body("Decide", required=False),
        answers=dict.fromkeys((200, 202), ref("Decided")),
        errors=_CAN_FAIL,
    )


OPERATIONS = (
    _list("/oms/discrepancies", "list_discrepancies",
          "Differences between the exchange and the ledger"),
    _list("/oms/reconcile/inbox", "list_reconcile_inbox", "The same as the discrepancies"),
    _decide("/oms/discrepancies/{discrepancy_id}/apply", "apply_discrepancy",
            "Apply the correction proposed for a discrepancy"),
    _decide("/oms/discrepancies/{discrepancy_id}/dismiss", "dismiss_discrepancy",
            "Dismiss a discrepancy, or revert its correction"),
    _decide("/oms/reconcile/inbox/{discrepancy_id}/apply", "apply_reconcile_inbox",
            "The same as applying a discrepancy"),
    _decide("/oms/reconcile/inbox/{discrepancy_id}/dismiss", "dismiss_reconcile_inbox",
            "The same as dismissing a discrepancy"),
)  # fmt: skip
