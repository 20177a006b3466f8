"""Rows of the audit log as lines of its mirror."""

import json
from typing import Any

from oms.ports.audit_log import ChainedRow
from oms.wire.json import dumps


def audit_line(chained: ChainedRow) -> str:
    """Return the JSON text of a row, without a line break.

    ``type`` is the action; ``payload`` is the state after the change; ``number`` and ``hash`` are
    those of the chain.
    """
    row = chained.row
    return dumps(
        {
            "type": row.action,
            "ts": row.created_at.isoformat(timespec="microseconds"),
            "payload": _parsed(row.after),
            "before": _parsed(row.before),
            "entity": row.entity,
            "entity_id": row.entity_id,
            "account_id": row.account_id,
            "actor": row.actor,
            "actor_user_id": row.actor_user_id,
            "actor_api_key_id": row.actor_api_key_id,
            "actor_role": row.actor_role,
            "actor_ip": row.actor_ip,
            "comment": row.comment,
            "request_id": row.request_id,
            "id": row.id,
            "number": chained.link.number,
            "hash": chained.link.hash,
        }
    )


def _parsed(text: str | None) -> Any:
    """Return the value of JSON text; other text as it is."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text
