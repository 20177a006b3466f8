"""The body of an outgoing message: one event."""

from collections.abc import Mapping
from datetime import datetime

from oms.wire.json import dumps, time_text


def message_body(
    event_id: int,
    event: str,
    account_id: int,
    *,
    at: datetime,
    payload: Mapping[str, object],
    namespace: str | None = None,
    strategy_id: int = 0,
    seq: int | None = None,
) -> str:
    """Return the JSON text of a message; ``seq`` counts the events of the account."""
    return dumps(
        {
            "event_id": event_id,
            "event": event,
            "account_id": account_id,
            "namespace": namespace,
            "strategy_id": strategy_id,
            "seq": seq,
            "ts": time_text(at),
            "payload": payload,
        }
    )
