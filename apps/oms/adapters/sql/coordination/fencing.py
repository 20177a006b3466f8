"""Revocation of a lease, after which the owner must load the account again."""

from oms.adapters.sql.connection.session import Session


async def revoke_lease(session: Session, account_id: int) -> int:
    """Fence the lease holder and free the lease; returns the account's last event number.

    Writes the same two rows in the same order as a lease takeover.
    """
    dialect, param = session.dialect, session.dialect.param
    await session.execute(
        f"UPDATE account_leases SET owner = '', token = token + 1, expires_at = {dialect.now}"
        f" WHERE account_id = {param}",
        (account_id,),
    )
    await session.execute(
        "UPDATE account_streams SET lease_token ="
        f" (SELECT token FROM account_leases WHERE account_id = {param})"
        f" WHERE account_id = {param}",
        (account_id, account_id),
    )
    text = f"SELECT head_seq FROM account_streams WHERE account_id = {param}"
    return int((await session.fetch(text, (account_id,)))[0][0])
