"""Events of the stream of account 0: changes that belong to no single account."""

from collections.abc import Sequence
from datetime import datetime

from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.rows import events
from oms.domain.event import Event, Namespace
from oms.ports.ledger_store import EventRow
from oms.wire.json import dumps


async def lock_gateway_events(session: Session) -> None:
    """Let no other transaction write an event of account 0 before this one has ended.

    It is the first lock of a transaction; only rows that no transaction locks before it may follow.
    """
    text = "SELECT head_seq FROM account_streams WHERE account_id = 0"
    await session.fetch(text + session.dialect.for_update)


async def write_gateway_event(
    session: Session,
    event_id: int,
    event_type: str,
    payload: str,
    at: datetime,
    *,
    namespace: Namespace = Namespace.RISK,
) -> None:
    """Write an event with the next number of the stream.

    The update of the stream's row is last among the locks of a transaction that does not begin
    with ``lock_gateway_events``.
    """
    await session.execute("UPDATE account_streams SET head_seq = head_seq + 1 WHERE account_id = 0")
    text = "SELECT head_seq FROM account_streams WHERE account_id = 0"
    seq = int((await session.fetch(text))[0][0])
    event = EventRow(
        id=event_id,
        account_id=0,
        seq=seq,
        seq_to=seq,
        strategy_id=0,
        namespace=str(namespace),
        event_type=event_type,
        payload=payload,
    )
    await events.INSERT(session, [events.event_to_row(event, at, session.dialect)])


async def write_gateway_events(
    session: Session, first_id: int, reported: Sequence[Event], at: datetime
) -> None:
    """Write events with the next numbers of the stream, as ``write_gateway_event`` does.

    Their ids begin with ``first_id``.
    """
    if not reported:
        return
    count, param = len(reported), session.dialect.param
    await session.execute(
        f"UPDATE account_streams SET head_seq = head_seq + {param} WHERE account_id = 0", (count,)
    )
    text = "SELECT head_seq FROM account_streams WHERE account_id = 0"
    first = int((await session.fetch(text))[0][0]) - count + 1
    rows = [
        EventRow(
            id=first_id + seq - first,
            account_id=0,
            seq=seq,
            seq_to=seq,
            strategy_id=event.strategy_id,
            namespace=str(event.namespace),
            event_type=event.name,
            payload=dumps({"account_id": 0, **event.facts}),
        )
        for seq, event in enumerate(reported, start=first)
    ]
    await events.INSERT(session, [events.event_to_row(row, at, session.dialect) for row in rows])
