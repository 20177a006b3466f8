"""Heads of the hash chains: one row of ``audit_chain`` for each chain."""

from oms.adapters.sql.connection.database import Database, Work
from oms.adapters.sql.connection.errors import DuplicateKey
from oms.adapters.sql.connection.session import Session
from oms.ports.audit_log import ChainHead


class ChainMovedError(Exception):
    """The head or a row of the chain is not what the caller read; nothing was written."""


async def read_head(database: Database, chain_id: int) -> ChainHead | None:
    """Return the end of a chain; ``None`` if its row is missing. Raises ``Unavailable``."""
    text = f"SELECT length, hash FROM audit_chain WHERE id = {database.dialect.param}"
    rows = await database.fetch(text, (chain_id,))
    return ChainHead(length=rows[0][0], hash=rows[0][1]) if rows else None


async def advance_head(
    session: Session, chain_id: int, before: ChainHead, after: ChainHead
) -> None:
    """Move the end of a chain. Raises ``ChainMovedError`` if ``before`` is not its end."""
    param = session.dialect.param
    updated = await session.execute(
        f"UPDATE audit_chain SET length = {param}, hash = {param}"
        f" WHERE id = {param} AND length = {param} AND hash = {param}",
        (after.length, after.hash, chain_id, before.length, before.hash),
    )
    if updated != 1:
        raise ChainMovedError


async def append_links(database: Database, work: Work[None]) -> bool:
    """Run the transaction that appends links; ``False``, and nothing written, if it collides."""
    try:
        await database.commit(work)
    except (ChainMovedError, DuplicateKey):
        return False
    return True
