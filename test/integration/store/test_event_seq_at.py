"""Event number of a stream at an instant, with deleted events."""

from kit.databases.store_rows import a_lease, an_account, an_event, seconds_after
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.store import SqlStore
from oms.ports.ledger_store import AccountBatch


async def test_event_seq_at_an_instant_with_gaps_and_deleted_rows(store: SqlStore) -> None:
    """Rows of one to three numbers, one per second; the first five are deleted."""
    account_id, empty = await an_account(store), await an_account(store)
    lease = await a_lease(store, account_id)
    rows, ends = [], [0]
    for number in range(1, 40):
        rows.append(an_event(number * 10, account_id, ends[-1] + 1, ends[-1] + 1 + number % 3))
        ends.append(rows[-1].seq_to)
    batch = AccountBatch(lease=lease, head_before=0, head_after=ends[-1], events=rows)
    assert not await store.ledger.commit([batch])
    for number in range(1, 40):
        await _set_time(store, number * 10, number)
    assert await store.ledger.trim(seconds_after(5.5), 100) == 5

    for second in range(1, 42):
        instant = seconds_after(second)
        seqs = await store.history.event_seqs_before([account_id, empty, 999], instant)
        expected = ends[min(second, 40) - 1] if second > 6 else 0
        assert seqs == {account_id: expected, empty: 0, 999: 0}


async def _set_time(store: SqlStore, event_id: int, second: int) -> None:
    dialect = store._database.dialect

    async def work(session: Session) -> int:
        text = f"UPDATE event_outbox SET created_at = {dialect.param} WHERE id = {dialect.param}"
        return await session.execute(text, (dialect.encode_time(seconds_after(second)), event_id))

    assert await store._database.write(work) == 1
