"""Filters and grouping of statistics."""

from collections.abc import Collection

from oms.domain.value import evolve
from oms.ports.history_reads import HistoryQuery
from oms.wire import parameters as p
from oms.wire.query_parameters import (
    Query,
    malformed_parameter,
    read_account_ids,
    read_optional_id,
    read_timestamp,
)


def read_results_query(query: Query) -> HistoryQuery:
    """Return the accounts, filters and period of statistics. Raises ``Malformed``."""
    since, until = read_timestamp(query, p.FROM), read_timestamp(query, p.TO)
    if since is not None and until is not None and since > until:
        raise malformed_parameter("from", "from is after to")
    return HistoryQuery(
        account_ids=read_account_ids(query),
        strategy_id=read_optional_id(query, p.STRATEGY_ID),
        symbol=query.get(p.SYMBOL.name) or None,
        since=since,
        until=until,
    )


def read_statistics_query(query: Query) -> HistoryQuery:
    """Return the accounts, filters and period, also the source. Raises ``Malformed``."""
    source_id = read_optional_id(query, p.RESULTS_SOURCE_ID)
    return evolve(read_results_query(query), source_id=source_id)


def read_executions_query(query: Query) -> HistoryQuery:
    """Return the accounts, filters and period of orders, also the source. Raises ``Malformed``."""
    source_id = read_optional_id(query, p.EXECUTIONS_SOURCE_ID)
    return evolve(read_results_query(query), source_id=source_id)


def read_group(
    query: Query, groups: Collection[str], parameter: p.Parameter = p.GROUP_BY
) -> str | None:
    """Return a grouping; ``None`` if absent. Raises ``Malformed`` for an unknown one."""
    group = query.get(parameter.name, "").strip().lower()
    if group and group not in groups:
        message = f"one of {', '.join(groups)} is expected"
        raise malformed_parameter(parameter.name, message, "enum")
    return group or None
