"""Strategies and their links to accounts."""

from collections.abc import Awaitable, Callable, Sequence

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.errors import DuplicateKey
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.domain.errors import Conflict, NotFound
from oms.domain.unique_name import unique_name_key
from oms.ports.admin.strategies import StrategyChange, StrategyRow
from oms.ports.audit_log import AuditContext
from oms.wire.json import dumps

_SELECTED = "SELECT id, name, status, client_strategy_id FROM strategies"
_STRATEGY = BulkInsert(
    table="strategies",
    columns=("id", "client_strategy_id", "name", "status", "created_at", "name_key"),
)
_LINK = BulkInsert(
    table="strategy_accounts",
    columns=("strategy_id", "account_id", "status", "created_at"),
    key=("strategy_id", "account_id"),
    update_columns=("status",),
)


_Work = Callable[[Session], Awaitable[AuditedResult[int]]]


class SqlStrategies(AuditedWriter):
    """``ports.strategies.Strategies``."""

    async def all(self) -> Sequence[StrategyRow]:
        """Return all strategies, active ones first, then by name."""

        async def work(session: Session) -> Sequence[StrategyRow]:
            return await _read(session)

        rows = await self._database.read_consistent(work)
        return sorted(rows, key=lambda row: (row.status != "active", row.name, row.id))

    async def closed_strategy_ids(self, account_id: int) -> frozenset[int]:
        """Return the strategies that may not open positions on the account."""
        text = (
            "SELECT strategy_id FROM account_strategy_risk_state"
            f" WHERE account_id = {self._dialect.param} AND allow_new_positions = 0"
        )
        return frozenset(row[0] for row in await self._database.fetch(text, (account_id,)))

    async def create(
        self,
        name: str,
        client_strategy_id: int | None,
        account_ids: Sequence[int],
        audit_context: AuditContext,
    ) -> int:
        """Create a strategy with its links; returns its id. Raises ``Conflict``, ``NotFound``."""
        strategy_id = await self._ids.allocate("strategy")

        async def work(session: Session) -> AuditedResult[int]:
            at = session.dialect.encode_time(audit_context.at)
            await _require_accounts(session, account_ids)
            await _STRATEGY(
                session,
                [(strategy_id, client_strategy_id, name, "active", at, unique_name_key(name))],
            )
            links = [(strategy_id, account_id, "active", at) for account_id in account_ids]
            await _LINK(session, links)
            created = StrategyRow(
                id=strategy_id,
                name=name,
                status="active",
                client_strategy_id=client_strategy_id,
                account_ids=tuple(sorted(account_ids)),
            )
            entry = audit_context.entry(
                "create_strategy", "strategy", strategy_id, after=_audit_json(created)
            )
            return strategy_id, [entry]

        return await self._write_named(work, audit_context)

    async def change(
        self, strategy_id: int, change: StrategyChange, audit_context: AuditContext
    ) -> int:
        """Change a strategy and its links; returns 1. Raises ``Conflict``, ``NotFound``."""

        async def work(session: Session) -> AuditedResult[int]:
            before = await _lock_strategy(session, strategy_id)
            after = change.apply_to(before)
            param = session.dialect.param
            await session.execute(
                f"UPDATE strategies SET name = {param}, status = {param},"
                f" client_strategy_id = {param} WHERE id = {param}",
                (after.name, after.status, after.client_strategy_id, strategy_id),
            )
            if after.name != before.name:
                await session.execute(
                    f"UPDATE strategies SET name_key = {param} WHERE id = {param}",
                    (unique_name_key(after.name), strategy_id),
                )
            if change.account_ids is not None:
                await _require_accounts(session, change.account_ids)
                await _relink(session, before, after, audit_context)
            entry = audit_context.entry(
                "change_strategy",
                "strategy",
                strategy_id,
                before=_audit_json(before),
                after=_audit_json(after),
            )
            return 1, [entry]

        return await self._write_named(work, audit_context)

    async def _write_named(self, work: _Work, audit_context: AuditContext) -> int:
        try:
            return await self._write_audited(work, audit_context.at)
        except DuplicateKey as error:
            raise Conflict("this strategy name is taken") from error


async def _read(session: Session) -> Sequence[StrategyRow]:
    links: dict[int, list[int]] = {}
    rows = await session.fetch(
        "SELECT strategy_id, account_id FROM strategy_accounts WHERE status = 'active'"
    )
    for strategy_id, account_id in rows:
        links.setdefault(strategy_id, []).append(account_id)
    return [
        StrategyRow(
            id=row[0],
            name=row[1],
            status=row[2],
            client_strategy_id=row[3],
            account_ids=tuple(sorted(links.get(row[0], ()))),
        )
        for row in await session.fetch(_SELECTED)
    ]


async def _lock_strategy(session: Session, strategy_id: int) -> StrategyRow:
    dialect = session.dialect
    text = f"{_SELECTED} WHERE id = {dialect.param}{dialect.for_update}"
    rows = await session.fetch(text, (strategy_id,))
    if not rows:
        raise NotFound(f"strategy_id={strategy_id}", code="strategy_not_found")
    links = await session.fetch(
        "SELECT account_id FROM strategy_accounts WHERE status = 'active'"
        f" AND strategy_id = {dialect.param} ORDER BY account_id",
        (strategy_id,),
    )
    row = rows[0]
    return StrategyRow(
        id=row[0],
        name=row[1],
        status=row[2],
        client_strategy_id=row[3],
        account_ids=tuple(link[0] for link in links),
    )


async def _relink(
    session: Session, before: StrategyRow, after: StrategyRow, audit_context: AuditContext
) -> None:
    at = session.dialect.encode_time(audit_context.at)
    removed = sorted(set(before.account_ids) - set(after.account_ids))
    rows = [(after.id, account_id, "disabled", at) for account_id in removed]
    rows += [(after.id, account_id, "active", at) for account_id in after.account_ids]
    await _LINK(session, rows)


async def _require_accounts(session: Session, account_ids: Sequence[int]) -> None:
    if not account_ids:
        return
    params = session.dialect.params(len(account_ids))
    text = f"SELECT id FROM accounts WHERE id IN ({params})"
    existing = {row[0] for row in await session.fetch(text, tuple(account_ids))}
    for account_id in account_ids:
        if account_id not in existing:
            raise NotFound(f"account_id={account_id}", code="account_not_found")


def _audit_json(row: StrategyRow) -> str:
    return dumps(
        {
            "name": row.name,
            "status": row.status,
            "client_strategy_id": row.client_strategy_id,
            "account_ids": row.account_ids,
        }
    )
