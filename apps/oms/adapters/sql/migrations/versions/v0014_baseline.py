"""Baseline: the whole schema of revision 0014 with its initial rows.

It replaces revisions 0001 to 0014 and keeps the id of the last one, so a database at 0014 is up to
date without any statement.
"""

import secrets

from alembic import op
from sqlalchemy import column, table

from oms.adapters.sql.migrations.baseline import access, accounts, exchange_data, ledger

revision = "0014"
down_revision: str | None = None

_ID_KINDS = (
    *("account", "audit", "command", "deal", "event", "key", "order", "position", "user"),
    *("reconcile_run", "discrepancy", "login", "strategy", "token", "raw", "kill"),
)
_GENESIS_HASH = "0" * 64


def upgrade() -> None:
    """Create all tables and insert the initial rows."""
    accounts.create_tables()  # before access, whose permissions reference accounts
    access.create_tables()
    ledger.create_tables()
    exchange_data.create_tables()
    _insert_rows()


def _insert_rows() -> None:
    """Insert the free housekeeping lease, its stream, id blocks, the chain head and the tag."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    epoch = "1970-01-01T00:00:00.000000Z" if is_sqlite else "1970-01-01 00:00:00"
    op.execute(
        "INSERT INTO account_leases (account_id, owner, token, expires_at)"
        f" VALUES (0, '', 0, '{epoch}')"
    )
    op.execute("INSERT INTO account_streams (account_id, head_seq, lease_token) VALUES (0, 0, 0)")
    for kind in _ID_KINDS:
        op.execute(f"INSERT INTO id_blocks (name, next_id, block) VALUES ('{kind}', 1, 100)")
    op.execute(f"INSERT INTO audit_chain (id, length, hash) VALUES (1, 0, '{_GENESIS_HASH}')")
    op.execute(table("installation", column("tag")).insert().values(tag=secrets.token_hex(4)))
