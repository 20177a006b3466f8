"""Polling of the event stream: the events after a sequence number, for one caller.

A row holds the events of one command or report. Here the events are separated and filtered by what
the caller may see, and gaps are reported where events were deleted or never existed.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oms.domain.access import (
    Permission,
    Principal,
    Role,
    allowed_strategies,
    refuse,
    refuse_account,
)
from oms.ports.history_reads import HistoryQuery, HistoryReads, StoredEventRow
from oms.services.queries.ledger_queries import LedgerQueries
from oms.wire.json import NotJson, time_text
from oms.wire.responses.events import EventBody, EventGap, decode_complete_row

logger = logging.getLogger(__name__)

ROWS_READ_MAX = 1000
GATEWAY_STREAM = 0
"""The id under which events are stored that belong to no account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Events after a position; ``after`` is the position for the next request."""

    items: list[EventBody]
    after: Mapping[int, int]
    heads: Mapping[int, int]
    gaps: list[EventGap]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventReader:
    """Reads event streams."""

    reads: LedgerQueries
    history: HistoryReads

    async def heads(self, principal: Principal, account_ids: Sequence[int]) -> Mapping[int, int]:
        """Return the last sequence number of each stream. Raises ``NotFound``, ``Forbidden``."""
        accounts = [account_id for account_id in account_ids if account_id != GATEWAY_STREAM]
        await self.reads.narrow_window(principal, HistoryQuery(account_ids=accounts))
        return await self.history.heads(account_ids)

    async def __call__(
        self,
        principal: Principal,
        positions: Mapping[int, int | None],
        namespaces: frozenset[str] | None,
        limit: int,
    ) -> EventPage:
        """Return up to ``limit`` events after the numbers ``positions``; ``None`` is the oldest
        kept.
        """
        heads = await self.history.heads(tuple(positions))
        oldest = await self.history.oldest(tuple(positions))
        gaps: list[EventGap] = []
        after: dict[int, int] = {}
        for account_id, number in positions.items():
            head = heads.get(account_id, 0)
            floor = oldest.get(account_id, head + 1) - 1
            after[account_id] = min(max(number or 0, floor), head)
            if number is not None and number != after[account_id]:
                first_missing, last_missing = sorted((number, after[account_id]))
                gaps.append(
                    {"account_id": account_id, "from": first_missing + 1, "to": last_missing}
                )
        rows = await self.history.events(after, min(limit, ROWS_READ_MAX))
        items: list[EventBody] = []
        for stored in rows:
            account_id = stored.row.account_id
            events = decode_row(stored, after[account_id])
            if events is None:
                first_missing, last_missing = after[account_id] + 1, stored.row.seq_to
                gaps.append({"account_id": account_id, "from": first_missing, "to": last_missing})
                after[account_id] = last_missing
                continue
            for seq, item in events:
                if len(items) >= limit:
                    return EventPage(items=items, after=after, heads=heads, gaps=gaps)
                after[account_id] = seq
                if _is_visible(principal, item, namespaces):
                    items.append(_published(item))
        return EventPage(items=items, after=after, heads=heads, gaps=gaps)


def may_see_of_gateway(
    principal: Principal,
    namespace: str,
    subject_account_id: object,
    subject_user_id: object,
    strategy_id: int = 0,
) -> bool:
    """Return whether a caller sees an event of the gateway's own stream.

    Operators see all; others what is about the market, their own research, and what is about an
    account that they may read; of bots also their strategies.
    """
    if principal.role in (Role.ADMIN, Role.RISK) or namespace == "market":
        return True
    if namespace == "research":
        return subject_user_id == principal.user_id
    if not isinstance(subject_account_id, int) or subject_account_id <= 0:
        return False
    if namespace == "bot":
        strategies = (strategy_id,)
        return refuse(principal, Permission.READ, subject_account_id, strategies) is None
    return refuse_account(principal, Permission.READ, subject_account_id) is None


def decode_row(stored: StoredEventRow, after: int) -> Sequence[tuple[int, dict[str, Any]]] | None:
    """Return the events of a row past ``after`` with their numbers; ``None`` if it is damaged."""
    ts = time_text(stored.created_at)
    try:
        events = decode_complete_row(stored.row, after)
    except NotJson as error:
        fields = {"account_id": stored.row.account_id, "seq": stored.row.seq}
        logger.error("event_row_damaged", extra={**fields, "reason": str(error)})
        return None
    return [
        (
            event.seq,
            {
                "event_id": event.event_id,
                "account_id": event.account_id,
                "seq": event.seq,
                "namespace": event.namespace,
                "event": event.event,
                "strategy_id": event.strategy_id,
                "ts": ts,
                "payload": event.payload,
            },
        )
        for event in events
    ]


def _published(item: Mapping[str, Any]) -> EventBody:
    return {
        "event_id": item["event_id"],
        "account_id": item["account_id"],
        "seq": item["seq"],
        "namespace": item["namespace"],
        "event": item["event"],
        "ts": item["ts"],
        "payload": item["payload"],
    }


def _is_visible(
    principal: Principal, item: Mapping[str, Any], namespaces: frozenset[str] | None
) -> bool:
    if namespaces is not None and item["namespace"] not in namespaces:
        return False
    if item["account_id"] == GATEWAY_STREAM:
        subject = item["payload"].get("account_id", 0)
        user_id = item["payload"].get("user_id")
        strategy_id = item["strategy_id"]
        return may_see_of_gateway(principal, item["namespace"], subject, user_id, strategy_id)
    allowed = allowed_strategies(principal, item["account_id"])
    return allowed is None or item["strategy_id"] in allowed
