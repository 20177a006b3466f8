"""Whoever holds an account loses it: what it was loaded with is no longer so."""

from oms.adapters.sql.connection.session import Session


async def revoke_lease(session: Session, account_id: int) -> int:
    """Fence whoever holds the account; the number of its last event.

    The lease is free afterwards. The same two rows are written as by any takeover, in its order.
    """
    dialect, param = session.dialect, session.dialect.param
    await session.execute(
        f"UPDATE account_leases SET owner = '', token = token + 1, expires_at = {dialect.now}"
        f" WHERE account_id = {param}",
        (account_id,),
    )
    await session.execute(
        "UPDATE account_streams SET lease_token ="
        f" (SELECT token FROM account_leases WHERE account_id = {param}) WHERE account_id = {param}",
        (account_id, account_id),
    )
    text = f"SELECT head_seq FROM account_streams WHERE account_id = {param}"
    return int((await session.fetch(text, (account_id,)))[0][0])
