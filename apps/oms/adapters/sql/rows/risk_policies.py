"""Rows of risk policies: one per scope and key."""

from collections.abc import Sequence
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.statement_batch import StatementBatch, Values
from oms.domain.errors import Invalid
from oms.domain.risk.policy import Limit, LimitChange, PolicyScope, StoredLimits
from oms.domain.risk.policy_keys import parse_policy_value, policy_value_text
from oms.wire.json import NotJson, dumps, loads

_COLUMNS = (
    *("scope", "scope_id", "name", "value_json"),
    *("set_by", "set_by_user_id", "set_at", "comment"),
)
_KEY = ("scope", "scope_id", "name")
SELECTED = f"SELECT {', '.join(_COLUMNS)} FROM risk_policies"
UPSERT = BulkInsert(
    table="risk_policies", columns=_COLUMNS, key=_KEY, update_columns=_COLUMNS[len(_KEY) :]
)


def select_scope(
    dialect: Dialect, scope: PolicyScope, scope_id: int
) -> tuple[str, tuple[str, int]]:
    """Return the query of the limits of one scope, and its values."""
    text = f"{SELECTED} WHERE scope = {dialect.param} AND scope_id = {dialect.param} ORDER BY name"
    return text, (scope.value, scope_id)


def add_to(batch: StatementBatch, changes: Sequence[LimitChange]) -> None:
    """Append the statements that store new limits and delete removed ones."""
    dialect = batch.dialect
    param = dialect.param
    text = (
        f"DELETE FROM risk_policies WHERE scope = {param} AND scope_id = {param} AND name = {param}"
    )
    for change in changes:
        if change.limit is None:
            batch.add("risk_policies", text, [(change.scope.value, change.scope_id, change.key)])
        else:
            UPSERT.add_to(batch, [limit_to_row(change.limit, dialect)])


def limit_to_row(limit: Limit, dialect: Dialect) -> Values:
    """Return the row of a limit in the order of ``SELECTED``."""
    return (
        limit.scope.value,
        limit.scope_id,
        limit.key,
        dumps(policy_value_text(limit.setting)),
        limit.set_by,
        limit.set_by_user_id,
        dialect.encode_time(limit.set_at),
        limit.comment,
    )


def limits_from_rows(rows: Sequence[Any], dialect: Dialect) -> StoredLimits:
    """Return the limits of rows of ``SELECTED``; a row that is no limit is named, not dropped."""
    limits: list[Limit] = []
    problems: list[tuple[str, str]] = []
    for row in rows:
        try:
            limits.append(_limit_from_row(row, dialect))
        except (Invalid, NotJson, ValueError) as error:
            problem = error.message if isinstance(error, Invalid) else str(error)
            problems.append((row[2], f"{row[2]} of {row[0]} {row[1]}: {problem}"))
    return StoredLimits(limits=tuple(limits), problems=tuple(problems))


def _limit_from_row(row: Any, dialect: Dialect) -> Limit:
    """Return the limit of a row. Raises ``Invalid``, ``NotJson``, ``ValueError``."""
    setting = parse_policy_value(row[2], loads(row[3]))
    if setting is None:
        raise ValueError("the value sets no limit")
    return Limit(
        key=row[2],
        setting=setting,
        scope=PolicyScope(row[0]),
        scope_id=row[1],
        set_by=row[4],
        set_by_user_id=row[5],
        set_at=dialect.decode_time(row[6]),
        comment=row[7],
    )
