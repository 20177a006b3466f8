"""Query parameters of the audit log."""

from oms.ports.audit_log import AuditQuery
from oms.wire.query_parameters import (
    Query,
    is_false,
    read_account_ids,
    read_cursor,
    read_optional_id,
    read_page,
    read_timestamp,
)


def read_audit_query(query: Query) -> AuditQuery:
    """Parse filters and page. Raises ``Malformed``."""
    page, page_size = read_page(query)
    return AuditQuery(
        account_ids=read_account_ids(query) if query.get("account_ids", "").strip() else None,
        actor_user_id=read_optional_id(query, "actor_user_id"),
        action=query.get("action") or None,
        entity=query.get("entity") or None,
        since=read_timestamp(query, "since"),
        until=read_timestamp(query, "until"),
        page=page,
        page_size=page_size,
        after_id=read_cursor(query),
        descending=query.get("sort", "").lower() == "desc",
        with_total=not is_false(query, "with_total"),
    )
