"""Reassignment: request body."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from oms.domain.value import value
from oms.wire.commands.command_schemas import REASSIGN
from oms.wire.field_validation import drop_nulls, require_object, validate
from oms.wire.query_parameters import read_account_ids, read_dates, read_page
from oms.wire.request_body import Malformed, malformed_at, without_root

_QUERY_FIELDS = ("account_id", "account_ids", "start_date", "end_date", "page", "page_size", "tz")


@value
class ReassignRequest:
    """A request to move orders, or to preview it."""

    #: ``None``: every account on which the caller may reassign.
    account_ids: tuple[int, ...] | None
    order_ids: tuple[int, ...]
    since: datetime | None
    until: datetime | None
    reconciled: bool | None
    statuses: frozenset[str] | None
    kinds: frozenset[str]
    is_preview: bool
    page: int
    page_size: int
    strategy_id: int
    position_id: int
    comment: str | None


def read_reassign(
    body: object, now: datetime, header_comment: str | None = None
) -> ReassignRequest:
    """Parse a reassignment; ``header_comment`` applies if the body has no comment.

    Raises ``Malformed``.
    """
    sent = drop_nulls(require_object(body, ("body",)))
    query_fields = {name: sent.pop(name) for name in _QUERY_FIELDS if name in sent}
    fields = validate(REASSIGN, sent, ())
    order_ids = tuple(sorted(set(fields.get("order_ids", ()))))
    is_preview = fields.get("preview", False)
    if not is_preview and not order_ids:
        raise malformed_at(("order_ids",), "name at least one order", "missing")
    query = _as_query(query_fields)
    try:
        accounts = read_account_ids(query) if "account_ids" in query else None
        since, until = read_dates(query, now)
    except Malformed as error:
        raise Malformed([without_root(each) for each in error.errors]) from None
    page, page_size = read_page(query)
    return ReassignRequest(
        account_ids=accounts,
        order_ids=order_ids,
        since=since,
        until=until,
        reconciled=fields.get("reconciled"),
        statuses=frozenset(fields.get("order_statuses", ())) or None,
        kinds=frozenset(fields.get("kinds", ())) or frozenset({"order", "deal"}),
        is_preview=is_preview,
        page=page,
        page_size=page_size,
        strategy_id=fields.get("target_strategy_id", 0),
        position_id=fields.get("target_position_id", 0),
        comment=fields.get("comment") or header_comment,
    )


def _as_query(query_fields: Mapping[str, Any]) -> dict[str, str]:
    """Return body keys in the format of query parameters; ``account_id`` takes precedence."""
    query: dict[str, str] = {}
    for name, sent_value in query_fields.items():
        if isinstance(sent_value, list) and name == "account_ids":
            sent_value = ",".join(str(part) for part in sent_value if isinstance(part, (int, str)))
        if isinstance(sent_value, bool) or not isinstance(sent_value, (int, str)):
            if name in ("page", "page_size"):
                continue  # clamped like invalid numbers
            raise malformed_at((name,), "a string is expected")
        query[name] = str(sent_value)
    if "account_id" in query:
        query["account_ids"] = query.pop("account_id")
    return query
