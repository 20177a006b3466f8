"""Where event streams stood at a moment: found by halves, all accounts abreast.

There is no index by account and time, which every event would pay for: numbers rise with time, so
a dozen looks along the index by number tell as much.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from oms.adapters.sql.connection.session import Session

ACCOUNTS_PER_STATEMENT_MAX = 64
STREAM_INDEX = "uq_event_outbox_seq_to"


async def event_seqs_before(
    session: Session, account_ids: Sequence[int], moment: datetime
) -> Mapping[int, int]:
    """The last event number of each account before ``moment``; 0 where none is kept."""
    ids = tuple(dict.fromkeys(account_ids))
    found: dict[int, int] = {}
    for start in range(0, len(ids), ACCOUNTS_PER_STATEMENT_MAX):
        part = ids[start : start + ACCOUNTS_PER_STATEMENT_MAX]
        found |= await _halved(session, part, moment)
    return found


async def _halved(session: Session, ids: Sequence[int], moment: datetime) -> dict[int, int]:
    """Up to ``low`` all is before the moment, beyond ``high`` nothing; they close in."""
    low, high = dict.fromkeys(ids, 0), await _ends(session, ids)
    while sought := [each for each in ids if low[each] < high.get(each, 0)]:
        middles = {each: (low[each] + high[each] + 1) // 2 for each in sought}
        rows = await _rows_at(session, middles)
        for each, middle in middles.items():
            number, at = rows.get(each, (0, moment))
            if at < moment:
                low[each] = number
            else:
                high[each] = middle - 1
    return low


async def _ends(session: Session, ids: Sequence[int]) -> dict[int, int]:
    text = (
        "SELECT account_id, head_seq FROM account_streams"
        f" WHERE account_id IN ({session.dialect.params(len(ids))})"
    )
    return {row[0]: int(row[1]) for row in await session.fetch(text, ids)}


async def _rows_at(
    session: Session, numbers: Mapping[int, int]
) -> Mapping[int, tuple[int, datetime]]:
    """The first row of each account that reaches its number: where it ends, and when it was."""
    dialect = session.dialect
    table, param = dialect.with_index("event_outbox", STREAM_INDEX), dialect.param
    looks = [
        f"SELECT * FROM (SELECT account_id, seq_to, created_at FROM {table}"
        f" WHERE account_id = {param} AND seq_to >= {param} ORDER BY seq_to LIMIT 1) AS a{each}"
        for each in numbers
    ]
    values = [number for pair in numbers.items() for number in pair]
    found = await session.fetch(" UNION ALL ".join(looks), values)
    return {row[0]: (int(row[1]), dialect.decode_time(row[2])) for row in found}
