"""Preferences of users."""

from datetime import datetime

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.session import Session

_UPSERT = BulkInsert(
    table="user_preferences",
    columns=("user_id", "preferences_json", "created_at", "updated_at"),
    key=("user_id",),
    update_columns=("preferences_json", "updated_at"),
)


class SqlUserPreferences:
    """``ports.admin.user_preferences.UserPreferences``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def preferences_of(self, user_id: int) -> str | None:
        """Return the JSON text of the user."""
        text = (
            "SELECT preferences_json FROM user_preferences"
            f" WHERE user_id = {self._database.dialect.param}"
        )
        rows = await self._database.fetch(text, (user_id,))
        return str(rows[0][0]) if rows else None

    async def store_preferences(self, user_id: int, text: str, now: datetime) -> None:
        """Replace the JSON text of the user."""
        at = self._database.dialect.encode_time(now)

        async def work(session: Session) -> None:
            await _UPSERT(session, [(user_id, text, at, at)])

        await self._database.commit(work)
