"""Names unique regardless of case, and who disabled an API key.

Of existing names that count as the same the oldest has the key; the others keep their names without
one, until they are renamed. Of a key that was disabled before it is not known who did it.
"""

import hashlib
import unicodedata

from alembic import op
from sqlalchemy import Column, text

from oms.adapters.sql.connection.column_types import BigIntId, ExactText, ShortText

revision = "0016"
down_revision = "0015"

_TABLES = ("users", "strategies")


def upgrade() -> None:
    """Add the columns, compute the keys of the stored names, and add the unique indexes."""
    op.add_column("user_api_keys", Column("disabled_by", ShortText(128), nullable=True))
    op.add_column("user_api_keys", Column("disabled_by_user_id", BigIntId, nullable=True))
    for table in _TABLES:
        op.add_column(table, Column("name_key", ExactText(64), nullable=True))
        _store_keys(table)
        op.create_index(f"ux_{table}_name_key", table, ["name_key"], unique=True)


def _store_keys(table: str) -> None:
    connection, used = op.get_bind(), set()
    for row_id, name in connection.execute(text(f"SELECT id, name FROM {table} ORDER BY id")).all():
        key = _key(name)
        if key in used:
            continue
        used.add(key)
        statement = text(f"UPDATE {table} SET name_key = :key WHERE id = :id")
        connection.execute(statement, {"key": key, "id": row_id})


def _key(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold()
    plain = " ".join(unicodedata.normalize("NFKC", folded).split())
    return hashlib.sha256(plain.encode()).hexdigest()
