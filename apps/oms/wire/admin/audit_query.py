"""Query parameters of the audit log."""

from oms.ports.audit_log import AuditPosition, AuditQuery
from oms.wire import parameters as p
from oms.wire.query_parameters import (
    Query,
    decode_cursor,
    encode_cursor,
    is_false,
    read_account_ids,
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
        after=_read_position(query),
        descending=query.get(p.SORT.name, "").lower() == "desc",
        with_total=not is_false(query, p.WITH_TOTAL),
    )


def audit_cursor_text(position: AuditPosition) -> str:
    """Return the opaque cursor of a page that ends there."""
    parts = (position.log_id, position.command_id)
    return encode_cursor("a" + ".".join("" if part is None else str(part) for part in parts))


def _read_position(query: Query) -> AuditPosition | None:
    """Decode ``cursor``; an empty one is the beginning. Raises ``Malformed``."""
    text = query.get(p.CURSOR.name)
    if not text:
        return None if text is None else AuditPosition()
    found = decode_cursor(text, r"a(\d{0,16})\.(\d{0,16})")
    log_id, command_id = (int(part) if part else None for part in found.groups())
    return AuditPosition(log_id=log_id, command_id=command_id)
