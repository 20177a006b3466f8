"""The body of an outgoing message: one event, for programs and for people."""

from collections.abc import Mapping
from datetime import datetime

from oms.wire.json import dumps, loads, time_text


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


def message_text(body: str) -> str:
    """Return the facts of a message as lines such as ``close price: 50100``.

    What is not known is left out.
    """
    message = loads(body)
    account = {"account_id": message.get("account_id")}
    facts = {**account, **(message.get("payload") or {}), "time": message.get("ts")}
    known = {name: _fact_text(value) for name, value in facts.items() if value is not None}
    lines = [f"{name.replace('_', ' ')}: {text}" for name, text in known.items() if text]
    return "\n".join(lines) or body  # Services take no empty text.


def _fact_text(fact: object) -> str:
    match fact:
        case Mapping():
            parts = ((name, _fact_text(value)) for name, value in fact.items())
            return ", ".join(f"{name} {text}" for name, text in parts if text)
        case list():
            return ", ".join(filter(None, map(_fact_text, fact)))
        case bool():
            return "yes" if fact else "no"
        case None:
            return ""
        case _:
            return str(fact)
