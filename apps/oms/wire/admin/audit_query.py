"""Query parameters of the audit log."""

from oms.ports.audit_log import AuditQuery
from oms.wire import parameters as p
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
        account_ids=read_account_ids(query)
        if query.get(p.OPTIONAL_ACCOUNT_IDS.name, "").strip()
        else None,
        actor_user_id=read_optional_id(query, p.ACTOR_USER_ID),
        action=query.get(p.ACTION.name) or None,
        entity=query.get(p.ENTITY.name) or None,
        since=read_timestamp(query, p.SINCE),
        until=read_timestamp(query, p.UNTIL),
        page=page,
        page_size=page_size,
        after_id=read_cursor(query),
        descending=query.get(p.SORT.name, "").lower() == "desc",
        with_total=not is_false(query, p.WITH_TOTAL),
    )
