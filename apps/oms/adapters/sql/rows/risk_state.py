"""Rows of an account's losses: the limits that it reached, and its high-water mark."""

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.connection.statement_batch import StatementBatch
from oms.domain.risk.limit_context import HighWater, RiskState, Trip

_TRIP_COLUMNS = ("account_id", "name", "scope", "tripped_at", "limit_value", "actual_value")
_TRIPS = BulkInsert(
    table="risk_trips",
    columns=_TRIP_COLUMNS,
    key=("account_id", "name"),
    update_columns=_TRIP_COLUMNS[2:],
)
_MARK_COLUMNS = ("account_id", "currency", "peak", "as_of", "reset_at")
_MARKS = BulkInsert(
    table="risk_high_water",
    columns=_MARK_COLUMNS,
    key=("account_id",),
    update_columns=_MARK_COLUMNS[1:],
)


def add_to(batch: StatementBatch, account_id: int, risk: RiskState) -> None:
    """Append the statements that store the state in place of the one before."""
    dialect = batch.dialect
    param = dialect.param
    names = [trip.key for trip in risk.trips]
    ended = f"DELETE FROM risk_trips WHERE account_id = {param}"
    ended += f" AND name NOT IN ({dialect.params(len(names))})" if names else ""
    batch.add("risk_trips", ended, [(account_id, *names)])
    rows = [
        (
            account_id,
            trip.key,
            trip.scope,
            dialect.encode_time(trip.tripped_at),
            dialect.encode_decimal(trip.limit),
            None if trip.actual is None else dialect.encode_decimal(trip.actual),
        )
        for trip in risk.trips
    ]
    if rows:
        _TRIPS.add_to(batch, rows)
    mark = risk.high_water
    if mark is not None:
        reset_at = None if mark.reset_at is None else dialect.encode_time(mark.reset_at)
        peak = dialect.encode_decimal(mark.peak)
        as_of = dialect.encode_time(mark.as_of)
        _MARKS.add_to(batch, [(account_id, mark.currency, peak, as_of, reset_at)])


async def load_risk_state(session: Session, account_id: int) -> RiskState:
    """Return the stored state of an account."""
    dialect = session.dialect
    of_account = f"WHERE account_id = {dialect.param}"
    trips = await session.fetch(
        f"SELECT {', '.join(_TRIP_COLUMNS)} FROM risk_trips {of_account} ORDER BY name",
        (account_id,),
    )
    marks = await session.fetch(
        f"SELECT {', '.join(_MARK_COLUMNS)} FROM risk_high_water {of_account}", (account_id,)
    )
    high_water = None
    if marks:
        high_water = HighWater(
            currency=marks[0][1],
            peak=dialect.decode_decimal(marks[0][2]),
            as_of=dialect.decode_time(marks[0][3]),
            reset_at=dialect.decode_optional_time(marks[0][4]),
        )
    return RiskState(
        trips=tuple(
            Trip(
                key=row[1],
                scope=row[2],
                tripped_at=dialect.decode_time(row[3]),
                limit=dialect.decode_decimal(row[4]),
                actual=None if row[5] is None else dialect.decode_decimal(row[5]),
            )
            for row in trips
        ),
        high_water=high_water,
    )
