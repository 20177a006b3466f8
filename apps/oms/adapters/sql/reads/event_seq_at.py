"""Event number of a stream at an instant, by binary search over all accounts at the same time.

Numbers rise with time, so about a dozen lookups in the index by number replace an index by account
and time, which every event insert would have to maintain.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from oms.adapters.sql.connection.session import Session

ACCOUNTS_PER_STATEMENT_MAX = 64
STREAM_INDEX = "uq_event_outbox_seq_to"


async def event_seqs_before(
    session: Session, account_ids: Sequence[int], instant: datetime
) -> Mapping[int, int]:
    """Return the last event number of each account before ``instant``; 0 where none is kept."""
    ids = tuple(dict.fromkeys(account_ids))
    seqs: dict[int, int] = {}
    for start in range(0, len(ids), ACCOUNTS_PER_STATEMENT_MAX):
        part = ids[start : start + ACCOUNTS_PER_STATEMENT_MAX]
        seqs |= await _search(session, part, instant)
    return seqs


async def _search(session: Session, ids: Sequence[int], instant: datetime) -> dict[int, int]:
    """Search between ``low`` (all before the instant) and ``high`` (none after it is)."""
    low, high = dict.fromkeys(ids, 0), await _head_seqs(session, ids)
    while unfinished := [each for each in ids if low[each] < high.get(each, 0)]:
        middles = {each: (low[each] + high[each] + 1) // 2 for each in unfinished}
        rows = await _rows_at(session, middles)
        for each, middle in middles.items():
            number, at = rows.get(each, (0, instant))
            if at < instant:
                low[each] = number
            else:
                high[each] = middle - 1
    return low


async def _head_seqs(session: Session, ids: Sequence[int]) -> dict[int, int]:
    text = (
        "SELECT account_id, head_seq FROM account_streams"
        f" WHERE account_id IN ({session.dialect.params(len(ids))})"
    )
    return {row[0]: int(row[1]) for row in await session.fetch(text, ids)}


async def _rows_at(
    session: Session, numbers: Mapping[int, int]
) -> Mapping[int, tuple[int, datetime]]:
    """Return (last number, time) of the first row of each account that contains its number."""
    dialect = session.dialect
    table, param = dialect.with_index("event_outbox", STREAM_INDEX), dialect.param
    lookups = [
        f"SELECT * FROM (SELECT account_id, seq_to, created_at FROM {table}"
        f" WHERE account_id = {param} AND seq_to >= {param} ORDER BY seq_to LIMIT 1) AS a{each}"
        for each in numbers
    ]
    values = [number for pair in numbers.items() for number in pair]
    seqs = await session.fetch(" UNION ALL ".join(lookups), values)
    return {row[0]: (int(row[1]), dialect.decode_time(row[2])) for row in seqs}
